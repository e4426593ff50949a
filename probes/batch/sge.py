"""Grid Engine: the rows in what qhost and qstat print, from 6.2u5 over Son of Grid Engine and Univa to OCS 9."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from xml.etree.ElementTree import Element

from nicassh.model.notes import Notes, Unreadable
from nicassh.model.records import Record

from . import sge_hosts, sge_jobs
from .doubts import Doubts, each
from .rows import Queue, Scheduler
from .sge_values import count, elements, needed, number, tagged
from .sources import Source, find_source


def read(sources: Sequence[Source], notes: Notes) -> Iterator[Record]:
    """The Scheduler, and its hosts, queues and jobs where it is up.

    A cluster is read completely or not at all. If qhost is answered and qstat is not, hosts without jobs would look
    like an idle cluster, and a master that does not answer the one in time will not schedule either: it is down.
    """
    version = _version(find_source(sources, "qstat -help"))
    asked = [find_source(sources, command) for command in ("SGE_ROOT", "qhost ", "qstat -u ")]
    failed = next((source for source in asked if source and not source.well), None)
    if failed:
        said = "; ".join(line.removeprefix("error: ") for line in failed.errors)
        yield Scheduler("sge", "down", said or failed.trouble, version)
        return
    _, hosts, jobs = asked
    if not hosts or not jobs:
        raise Unreadable("qhost or qstat is missing, though no command before it has failed")
    farm = sge_hosts.read(hosts.text, notes)
    found = sge_jobs.read(jobs.text, farm.tasks, notes)
    yield Scheduler("sge", "up", None, version)
    yield from farm.hosts
    yield from _queues(find_source(sources, "qstat -g c"), farm, notes)
    yield from found


def _version(usage: Source | None) -> str | None:
    """`SGE 8.1.9`, the first line of the usage. Raises Unreadable where the second is missing: the first may be cut."""
    if not usage or not usage.well:
        return None
    if not "".join(usage.lines[1:]).strip():
        raise Unreadable(f"{usage.command} printed no usage: {usage.text[:80]!r}")
    return usage.lines[0].strip() or None


def _queues(summary: Source | None, farm: sge_hosts.Farm, notes: Notes) -> Iterable[Queue]:
    """The queues as qstat sums them up; where it does not, their instances have all but the load."""
    if not summary or not summary.well:
        return sge_hosts.queues(farm.instances)
    found = elements(summary.text, "job_info", "cluster_queue_summary")
    return each(notes, "queue", found, lambda element: _queue(tagged(element), notes), _name)


def _name(element: Element) -> str:
    return element.findtext("name") or ""


def _queue(about: dict[str, str], notes: Notes) -> Queue:
    doubts = Doubts(notes, f"queue {about['name']}")
    return Queue(
        system="sge",
        queue=about["name"],
        state=None,
        slots=needed(about["total"]),
        used=needed(about["used"]),
        free=needed(about["available"]),
        broken=doubts.read("manual_intervention", count, about.get("manual_intervention")) or 0,
        load=doubts.read("load", number, about.get("load")),
        limit=None,
    )
