"""Jobs: what waits in the database to be done, which of it comes next, and when it is tried again.

A permanent job is one row for each probe of each node (`arm`); it is re-armed when it finishes. A job that
is done once is a row that goes with its success (`add`). A worker (`enter`) takes a batch of due jobs of one
class (`claim`), counts the runs as they begin (`start`), says how they ended (`finish`, `pause`), gives signs
of life meanwhile (`beat`), and gives back the rest (`leave`); what a dead one held is freed by `reap`.
"""

from __future__ import annotations

from nicassh.jobs.adding import add, forget, take
from nicassh.jobs.arming import arm
from nicassh.jobs.claimant import Claimant, beat, enter, leave, rank, release
from nicassh.jobs.claiming import claim
from nicassh.jobs.counts import SPANS, Alive, Count, armed, counts, nodes_due, soonest, workers
from nicassh.jobs.fencing import held, lapsed
from nicassh.jobs.finishing import Ended, finish, start
from nicassh.jobs.job import PROBE, Batch, Job, Wanted
from nicassh.jobs.listing import listed, state_of
from nicassh.jobs.pausing import follow, pause
from nicassh.jobs.priority import Priority
from nicassh.jobs.queue import Queue
from nicassh.jobs.reaping import overrun, reap, tidy
from nicassh.jobs.situation import Situation, look
from nicassh.jobs.steering import cancel, now, retry

__all__ = [
    "PROBE", "SPANS", "Alive", "Batch", "Claimant", "Count", "Ended", "Job", "Priority", "Queue", "Situation", "Wanted",
    "add", "arm", "armed", "beat", "cancel", "claim", "counts", "enter", "finish", "follow", "forget", "held", "lapsed",
    "leave", "listed", "look",
    "nodes_due", "now", "overrun", "pause", "rank", "reap", "release", "retry", "soonest", "start", "state_of", "take",
    "tidy", "workers",
]  # fmt: skip
