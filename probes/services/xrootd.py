"""What an xrootd answers about itself, and on which port it and its like listen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from xml.etree import ElementTree

from .daemons import Running
from .names import SERVERS
from .rows import DEGRADED, USER, Service, Xrootd
from .sources import Sources

_ASKED = re.compile(r"asked (\d{1,10}) (port|proof|status|config|stats) (.*)")
_HANGS = re.compile(r"guard xrootd .*(hung|stuck)")
_COUNT = re.compile("[0-9]{1,15}")
_ITEMS = ("version", "role", "cms")
_NO_ANSWER = "51"
"""Exit status of xrdfs where the server cannot be reached or does not answer in time."""
_OPERATIONS = ("open", "rf", "rd", "pr", "rv", "wv", "wr", "sync", "getf", "putf", "misc")
"""The requests among <ops>; rs and ws count the pieces of rv and wv."""


@dataclass
class Answer:
    """What was learnt about one process: `port` and `proof` (the port of PROOF, or `-`) and what xrdfs printed."""

    port: str = ""
    proof: str = ""
    status: str = ""
    config: list[str] = field(default_factory=list)
    stats: str = ""

    def item(self, name: str) -> str | None:
        """An item of `query config`. One line for each; what the server does not know or have is echoed back."""
        line = dict(zip(_ITEMS, self.config, strict=False)).get(name, "").strip()
        return line if line != name and line else None


def answers(sources: Sources) -> dict[int, Answer]:
    """Answers by process id, from lines such as `asked 33 port 1094`."""
    found: dict[int, Answer] = {}
    for line in sources.sections.get("xrootd", []):
        if match := _ASKED.fullmatch(line):
            answer = found.setdefault(int(match[1]), Answer())
            if match[2] == "config":
                answer.config.append(match[3])
            elif match[2] == "stats":
                answer.stats += match[3]
            else:
                setattr(answer, match[2], match[3])
    return found


def told(running: Iterable[Running], sources: Sources) -> Iterator[Service | Xrootd]:
    """The services with what was learnt about them, and the figures of each xrootd."""
    found = answers(sources)
    running = [_with_port(one, found.get(one.process.pid)) for one in running]
    hangs = any(_HANGS.fullmatch(line) for line in sources.sections.get("xrootd", []))
    sessions = sum(process.name.startswith("proofserv") for process in sources.processes)
    taken = {_count(port) for answer in found.values() for port in (answer.port, answer.proof)}
    for one in _attributed(running, sources.listening(), taken):
        answer = found.get(one.process.pid)
        service = replace(one.service, clients=sessions) if one.service.service == "proof" else one.service
        if one.process.name != "xrootd" or answer is None:
            yield replace(service, reason="its client hangs") if one.process.name == "xrootd" and hangs else service
            continue
        if answer.proof:
            yield replace(service, service="proof", port=_count(answer.proof), clients=sessions)
        tree = _tree(answer.stats)
        if answer.status == _NO_ANSWER and service.kind != USER:
            service = replace(service, state=DEGRADED, reason=f"does not answer on port {service.port}")
        yield replace(service, version=answer.item("version"), clients=_number(tree, "link/num"))
        if answer.config:
            yield _figures(service.instance, answer, tree)


def _with_port(one: Running, answer: Answer | None) -> Running:
    return replace(one, service=replace(one.service, port=_count(answer.port))) if answer else one


def _attributed(running: list[Running], listening: dict[int, set[int]], taken: set[int | None]) -> Iterator[Running]:
    """With the port where the account has one daemon without a known port, and one listening socket that is left."""
    for one in running:
        uid = one.process.effective
        same = [other for other in running if other.process.effective == uid and _listens(other.service.service)]
        left = listening.get(uid or 0, set()) - taken
        alone = sum(other.service.port is None for other in same) == 1
        if uid and one in same and one.service.port is None and alone and len(left) == 1:
            yield replace(one, service=replace(one.service, port=left.pop()))
        else:
            yield one


def _listens(service: str) -> bool:
    return service in SERVERS.values() or service.startswith(("slurm", "condor", "qmaster", "execd"))


def _figures(instance: str, answer: Answer, tree: ElementTree.Element | None) -> Xrootd:
    requests = [_number(tree, f"xrootd/ops/{name}") for name in _OPERATIONS]
    size, free, quota = _space(tree)
    return Xrootd(
        instance=instance,
        role=answer.item("role"),
        manager=answer.item("cms"),
        links=_number(tree, "link/num"),
        threads=_number(tree, "sched/threads"),
        requests=sum(number or 0 for number in requests) if any(number is not None for number in requests) else None,
        errors=_number(tree, "xrootd/err"),
        size=size,
        free=free,
        quota=quota,
    )


def _tree(text: str) -> ElementTree.Element | None:
    """The statistics as a tree; None where they are none. A server may be anybody's: no entities are expanded."""
    if not text.startswith("<statistics ") or "<!" in text:
        return None
    try:
        return ElementTree.fromstring(text)  # noqa: S314 without a declaration there is nothing to expand
    except ElementTree.ParseError:
        return None


def _part(tree: ElementTree.Element | None, path: str) -> ElementTree.Element | None:
    """The element `xrootd/ops`: <stats id="xrootd"> at the top, for ids are used again further down; then by tag."""
    name, _, rest = path.partition("/")
    top = next((child for child in (() if tree is None else tree) if child.get("id") == name), None)
    return top if top is None or not rest else top.find(rest)


def _number(tree: ElementTree.Element | None, path: str) -> int | None:
    return _count(_text(_part(tree, path)))


def _space(tree: ElementTree.Element | None) -> tuple[int | None, int | None, int | None]:
    """Size, free space and quota of the largest space, else of the largest path.

    `tot` and `free` are KiB, and `qta` is bytes, below 0 for none (XrdOssStat.cc).
    """
    for kind in ("space", "paths"):
        parts = _part(tree, f"oss/{kind}")
        sizes = [
            (total * 1024, free * 1024, _count(_text(part.find("qta"))))
            for part in (() if parts is None else parts)
            if (total := _count(_text(part.find("tot")))) is not None
            and (free := _count(_text(part.find("free")))) is not None
        ]
        if sizes:
            return max(sizes, key=lambda size: size[0])
    return None, None, None


def _text(element: ElementTree.Element | None) -> str:
    return "" if element is None else element.text or ""


def _count(text: str) -> int | None:
    return int(text) if _COUNT.fullmatch(text) else None
