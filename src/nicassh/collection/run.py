"""A collection: nodes times probes over the transports, to outcomes; and the same, stored."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nicassh.collection import bundle, rates
from nicassh.collection.bundle import Section
from nicassh.config.settings import Config
from nicassh.inventory import Node
from nicassh.model.errors import UsageError
from nicassh.model.notes import Note, Unreadable, joined
from nicassh.model.outcome import LOGIN, Outcome, State, Unknown
from nicassh.model.records import Record
from nicassh.model.text import clean
from nicassh.model.units import draw_bytes
from nicassh.probes.loader import Probe, read
from nicassh.store import Fence, Store
from nicassh.transport import Connections, Limits, Request, Response

ABSENT = 77
"""The exit status by which a probe says that it does not apply to its node (the convention of automake)."""
_KEPT = 2000
"""Characters of an unreadable output that are kept for the operator."""
_REASON = 300
"""Characters of a reason."""


@dataclass(frozen=True)
class Ask:
    """Probes to run on a node in one session; `about` is what the caller has in mind with it."""

    node: Node
    probes: tuple[Probe, ...]
    about: Any = None


@dataclass(frozen=True)
class Answered:
    """What came of one node: its own outcome and those of its probes.

    `away` is whether it did not say a single word, or not one section in all of its time: whatever is asked of it
    next will end the same.
    `about` is that of the question.
    """

    node: Node
    login: Outcome
    outcomes: tuple[Outcome, ...]
    away: bool = False
    about: Any = None

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed, neither the node nor a probe."""
        return self.login.state.is_ok and all(outcome.state.is_ok for outcome in self.outcomes)


def plan(nodes: Sequence[Node], probes: Sequence[Probe]) -> list[Ask]:
    """What to run on each node. A probe of batch clusters runs on submit nodes alone; nodes with no probe are left out.

    Raises UsageError where none is left.
    """
    suited = {
        answers: tuple(probe for probe in probes if answers or probe.where == "nodes") for answers in (False, True)
    }
    asks = [Ask(node, some) for node in nodes if (some := suited[bool(node.batch_cluster)])]
    if not asks and nodes:
        what = f"{', '.join(probe.name for probe in probes)}: none of these nodes answers for a batch cluster"
        raise UsageError(
            what, 'give the node that can ask the batch system the key batch_cluster = "NAME" in the inventory'
        )
    return asks


def ask(
    asks: Iterable[Ask],
    connections: Connections,
    parameters: Mapping[str, str],
    started: Callable[[Ask], None] = lambda _ask: None,
) -> Iterator[Answered]:
    """Runs on each node its probes, and yields what came of each node as it arrives.

    A question is taken when there is room for it. `started` is told what begins. No node's failure is raised.
    """
    requests = _requests(asks, connections.limits.timeout, parameters)
    for reply in connections.run(requests, lambda request: started(request.context[0])):
        ask, mark = reply.context
        yield _answered(reply, bundle.split(reply.output, reply.errors, mark, ask.probes), ask)


def _requests(
    asks: Iterable[Ask], deadline: float, parameters: Mapping[str, str]
) -> Iterator[Request[tuple[Ask, str]]]:
    """The questions as requests, with each question and the mark of its run.

    One script serves all nodes that have the same probes; each run has a mark of its own in front of it.
    """
    scripts: dict[tuple[str, ...], bytes] = {}
    for ask in asks:
        names = tuple(probe.name for probe in ask.probes)
        if names not in scripts:
            scripts[names] = bundle.join(ask.probes, deadline, parameters)
        size = sum(probe.size for probe in ask.probes) + 2**20
        mark = bundle.nonce()
        yield Request(ask.node, bundle.sign(scripts[names], mark), bundle.end_of(mark), size, (ask, mark))


def limits_of(config: Config) -> Limits:
    """The limits that the configuration sets."""
    return Limits(config.fanout, config.connect_timeout, config.timeout, host_keys=config.host_keys)


def parameters_of(config: Config) -> dict[str, str]:
    """What probes may read from the configuration, as shell variables."""
    return {"roots": "\n".join(config.roots), "units": "\n".join(config.units)}


def save(store: Store, probes: Sequence[Probe], answers: Iterable[Answered], fence: Fence | None = None) -> None:
    """Stores what came of some nodes in one transaction, as far as the `fence` lets it. Raises DatabaseError."""
    timed = store.timing()
    answers = list(answers)
    by_probe: dict[str, list[Outcome]] = {}
    for answered in answers:
        for outcome in answered.outcomes:
            by_probe.setdefault(outcome.probe, []).append(timed(outcome))
    for probe in probes:
        if probe.advance and probe.name in by_probe:
            by_probe[probe.name] = rates.advance(store, probe, by_probe[probe.name], _incomparable)
    logins = [timed(answered.login) for answered in answers]
    store.write(logins + [outcome for outcomes in by_probe.values() for outcome in outcomes], fence)


def _answered(reply: Response[Any], sections: Mapping[str, Section], ask: Ask) -> Answered:
    seconds = round(reply.seconds, 3)
    login = Outcome(reply.node.name, LOGIN, _moment(reply.arrived), reply.state, clean(reply.reason), seconds)
    outcomes = []
    for probe in ask.probes:
        missing = replace(login, probe=probe.name)
        if section := sections.get(probe.name):
            taken = replace(missing, at=_moment(_taken(reply, section, sections.values())), uptime=section.begun)
            outcomes.append(judge(probe, section, taken))
        elif reply.state is State.OK:
            # The script ended in order and left the rest out: its own deadline came first.
            outcomes.append(replace(missing, state=State.TIMEOUT, reason="the node's time was used up by other probes"))
        else:
            outcomes.append(missing)
    # The script ends itself in time on a node that can follow it, so such a node is slow with everything.
    ended = any(section.whole or section.timed_out for section in sections.values())
    slow = reply.state is State.TIMEOUT and not ended
    away = slow or (reply.state is not State.OK and not reply.output)
    return Answered(reply.node, login, tuple(outcomes), away, ask.about)


def _taken(reply: Response[Any], section: Section, sections: Iterable[Section]) -> float:
    """When a section ended, by our clock, in seconds since 1970: as well as it can be known.

    A complete answer arrived as its last section ended. An incomplete one may have kept us waiting at its end, so
    there time is counted from the node's turn; what the login took makes that a little early. Whatever the node says,
    it was within our session with it.
    """
    times = [(one.begun, one.ended) for one in sections if one.begun is not None and one.ended is not None]
    if section.ended is None:
        return reply.arrived
    if reply.state is State.OK:
        since = max(ended for _, ended in times) - section.ended
    else:
        since = reply.seconds - (section.ended - min(begun for begun, _ in times))
    return reply.arrived - min(max(since, 0.0), reply.seconds)


def _moment(seconds: float) -> datetime:
    """A time as it is stored: in whole seconds."""
    return datetime.fromtimestamp(int(seconds), UTC)


def judge(probe: Probe, section: Section, missing: Outcome) -> Outcome:
    """The outcome of one section; `missing` is what it would be had the section not come."""
    said = clean(section.errors, 300)
    if section.timed_out:
        return replace(missing, state=State.TIMEOUT, reason=f"ran longer than its {probe.timeout} s")
    if not section.whole and len(section.output) >= probe.size - len("nicamon") * 8:
        return replace(missing, state=State.TRUNCATED, reason=f"printed more than {draw_bytes(probe.size)}")
    if not section.whole:
        lost = missing.state is not State.OK
        reason = missing.reason if lost else "its shell was killed"
        return replace(missing, state=missing.state if lost else State.TRUNCATED, reason=reason)
    if section.status == ABSENT:
        return replace(missing, state=State.ABSENT, reason=said)
    if section.status != 0:
        return replace(missing, state=State.FAILED, reason=said or f"exit status {section.status}")
    return _read(probe, section, missing)


def _read(probe: Probe, section: Section, missing: Outcome) -> Outcome:
    """The outcome of a section that came whole: its records, where there are any to be read."""
    try:
        found = read(probe, section.output)
    except (Exception, SystemExit) as error:  # noqa: BLE001 a parser meets whatever a node prints; its trouble is an outcome
        reason, text = _told(probe, error), clean(section.output, _KEPT)
        return replace(missing, state=State.UNREADABLE, reason=reason, text=f"{_place(probe, error)}{text}")
    records = tuple(record for record in found if isinstance(record, Record))
    notes = joined(one for one in found if isinstance(one, Note))
    if notes and not records:
        reason = clean(f"no row could be read: {notes}", _REASON)
        return replace(missing, state=State.UNREADABLE, reason=reason, text=clean(section.output, _KEPT))
    unknown = tuple(gap for gap in found if isinstance(gap, Unknown))
    return replace(missing, state=State.OK, reason="", records=records, unknown=unknown, notes=notes)


def _told(probe: Probe, error: BaseException) -> str:
    """Why an output could not be read, in plain words."""
    if isinstance(error, Unreadable):
        return clean(str(error), _REASON)
    return f"the output of {probe.name} is not what its parser expects; `text` says where the parser ended"


def _place(probe: Probe, error: BaseException) -> str:
    """Where in the probe's own files a parser ended, and with what, for its author; empty where it said why."""
    if isinstance(error, Unreadable):
        return ""
    steps = [step for step in traceback.extract_tb(error.__traceback__) if probe.folder in Path(step.filename).parents]
    where = f"{Path(steps[-1].filename).name} line {steps[-1].lineno}: " if steps else ""
    return clean(f"{where}{type(error).__name__}: {error}", _REASON) + " in: "


def _incomparable(probe: Probe, outcome: Outcome, error: Exception) -> Outcome:
    """The outcome of a probe whose `advance` stumbles."""
    reason = clean(f"it could not be compared with the time before: {_told(probe, error)}", _REASON)
    failed = replace(outcome, state=State.UNREADABLE, reason=reason, text=_place(probe, error))
    return replace(failed, records=(), unknown=(), notes=None)
