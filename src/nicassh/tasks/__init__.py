"""Jobs: what waits in the database to be done, which of it comes next, and when it is tried again.

A permanent job is one row for each probe of each node (`arm`); it is re-armed when it finishes. A job that
is done once is a row that goes with its success (`add`). A worker (`enter`) takes a batch of due jobs of one
class (`claim`), counts the runs as they begin (`start`), says how they ended (`finish`, `pause`), gives signs
of life meanwhile (`beat`), and gives back the rest (`leave`); what a dead one held is freed by `reap`.
"""

from __future__ import annotations

from nicassh.tasks.adding import add, forget, take
from nicassh.tasks.arming import arm
from nicassh.tasks.claimant import Claimant, beat, enter, leave, rank, release
from nicassh.tasks.claiming import claim
from nicassh.tasks.counts import SPANS, Alive, Count, armed, counts, nodes_due, soonest, workers
from nicassh.tasks.fencing import held, lapsed
from nicassh.tasks.finishing import Ended, finish, start
from nicassh.tasks.job import PROBE, Batch, Job, Wanted
from nicassh.tasks.listing import listed, state_of
from nicassh.tasks.pausing import follow, pause
from nicassh.tasks.priority import Priority
from nicassh.tasks.queue import Queue
from nicassh.tasks.reaping import overrun, reap, tidy
from nicassh.tasks.situation import Situation, look
from nicassh.tasks.steering import cancel, now, retry

__all__ = [
    "PROBE", "SPANS", "Alive", "Batch", "Claimant", "Count", "Ended", "Job", "Priority", "Queue", "Situation", "Wanted",
    "add", "arm", "armed", "beat", "cancel", "claim", "counts", "enter", "finish", "follow", "forget", "held", "lapsed",
    "leave", "listed", "look",
    "nodes_due", "now", "overrun", "pause", "rank", "reap", "release", "retry", "soonest", "start", "state_of", "take",
    "tidy", "workers",
]  # fmt: skip
