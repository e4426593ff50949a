"""Run probes on nodes over the transports: requests go in, and what came of each node comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from nicassh.collection import bundle
from nicassh.collection.bundle import Section
from nicassh.collection.judge import to_outcome
from nicassh.config.settings import Config
from nicassh.inventory import Node
from nicassh.model.errors import UsageError
from nicassh.model.outcome import LOGIN, Outcome, State
from nicassh.model.text import clean
from nicassh.probes.loader import Probe
from nicassh.transport import Connections, Limits, Request, Response

C = TypeVar("C")


@dataclass(frozen=True)
class NodeRequest(Generic[C]):
    """Probes to run on a node in one session. The result carries the same `context`, which is the caller's own."""

    node: Node
    probes: tuple[Probe, ...]
    context: C


@dataclass(frozen=True)
class NodeResult(Generic[C]):
    """What came of one request: the outcome of the node itself, and those of its probes.

    out_of_reach: the node said nothing at all, or finished no section in all of its time; further requests would end
                  in the same way
    """

    node: Node
    login: Outcome
    outcomes: tuple[Outcome, ...]
    context: C
    out_of_reach: bool = False

    @property
    def is_ok(self) -> bool:
        """Say whether nothing failed, neither the node nor a probe."""
        return self.login.state.is_ok and all(outcome.state.is_ok for outcome in self.outcomes)


def plan(nodes: Sequence[Node], probes: Sequence[Probe]) -> list[NodeRequest[None]]:
    """Return a request for each node: probes of batch clusters run on submit nodes alone; nodes with no probe are out.

    Raises UsageError where none is left.
    """
    suited = {True: tuple(probes), False: tuple(probe for probe in probes if probe.where == "nodes")}
    requests = [NodeRequest(node, some, None) for node in nodes if (some := suited[bool(node.batch_cluster)])]
    if not requests and nodes:
        what = f"{', '.join(probe.name for probe in probes)}: none of these nodes answers for a batch cluster"
        raise UsageError(
            what, 'give the node that can ask the batch system the key batch_cluster = "NAME" in the inventory'
        )
    return requests


def collect(
    requests: Iterable[NodeRequest[C]],
    connections: Connections,
    parameters: Mapping[str, str],
    started: Callable[[NodeRequest[C]], None] = lambda _request: None,
) -> Iterator[NodeResult[C]]:
    """Run the probes of each request on its node, and yield what came of each node as it arrives.

    A request is taken when there is room for it. `started` is called when its turn comes. The failure of a node is a
    result and never raised.
    """
    scripts = _scripts(requests, connections.limits.timeout, parameters)
    for response in connections.run(scripts, lambda script: started(script.context[0])):
        request, mark = response.context
        yield _result(response, bundle.parse_output(response.output, response.errors, mark, request.probes), request)


def _scripts(
    requests: Iterable[NodeRequest[C]], deadline: float, parameters: Mapping[str, str]
) -> Iterator[Request[tuple[NodeRequest[C], str]]]:
    """Yield the script of each request, with the request and the mark of its run.

    One script serves all nodes that have the same probes; each run has a mark of its own in front of it.
    """
    scripts: dict[tuple[str, ...], bytes] = {}
    for request in requests:
        names = tuple(probe.name for probe in request.probes)
        if names not in scripts:
            scripts[names] = bundle.build_script(request.probes, deadline, parameters)
        size = sum(probe.size for probe in request.probes) + 2**20
        mark = bundle.new_mark()
        yield Request(
            request.node, bundle.with_mark(scripts[names], mark), bundle.end_line(mark), size, (request, mark)
        )


def transport_limits(config: Config) -> Limits:
    """Return the limits of the transports that the configuration sets."""
    return Limits(config.fanout, config.connect_timeout, config.timeout, host_keys=config.host_keys)


def probe_parameters(config: Config) -> dict[str, str]:
    """Return what probes may read of the configuration, as shell variables."""
    return {"roots": "\n".join(config.roots), "units": "\n".join(config.units)}


def _result(response: Response[Any], sections: Mapping[str, Section], request: NodeRequest[C]) -> NodeResult[C]:
    seconds = round(response.seconds, 3)
    reason = clean(response.reason)
    login = Outcome(response.node.name, LOGIN, _moment(response.arrived), response.state, reason, seconds)
    outcomes = []
    for probe in request.probes:
        missing = replace(login, probe=probe.name)
        if section := sections.get(probe.name):
            taken = replace(missing, at=_moment(_ended_at(response, section, sections.values())), uptime=section.begun)
            outcomes.append(to_outcome(probe, section, taken))
        elif response.state is State.OK:
            # The script ended in order and left the rest out: its own deadline came first.
            outcomes.append(replace(missing, state=State.TIMEOUT, reason="the node's time was used up by other probes"))
        else:
            outcomes.append(missing)
    # The script ends itself in time on a node that can follow it. One that does not is slow with everything.
    finished_one = any(section.whole or section.timed_out for section in sections.values())
    slow = response.state is State.TIMEOUT and not finished_one
    out_of_reach = slow or (response.state is not State.OK and not response.output)
    return NodeResult(response.node, login, tuple(outcomes), request.context, out_of_reach)


def _ended_at(response: Response[Any], section: Section, sections: Iterable[Section]) -> float:
    """Return when a section ended, in seconds since 1970 by our clock, as well as it can be known.

    A complete answer arrived when its last section ended. An incomplete one may have kept us waiting at its end, so
    there the time is counted from the beginning of the session; the login makes that a little early. Whatever the node
    says, the section ended during our session with it.
    """
    times = [(one.begun, one.ended) for one in sections if one.begun is not None and one.ended is not None]
    if section.ended is None:
        return response.arrived
    if response.state is State.OK:
        since = max(ended for _, ended in times) - section.ended
    else:
        since = response.seconds - (section.ended - min(begun for begun, _ in times))
    return response.arrived - min(max(since, 0.0), response.seconds)


def _moment(seconds: float) -> datetime:
    """Return a time as it is stored: in whole seconds."""
    return datetime.fromtimestamp(int(seconds), UTC)
