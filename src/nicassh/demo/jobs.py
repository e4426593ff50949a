"""The jobs that the demo's users have in a batch system.

Their processes are those of people.py: real ones, which wait for a line from a named pipe.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nicassh.demo.farm import Farm
from nicassh.demo.people import IDLE, PATH
from nicassh.model.errors import SetupError

TIMEOUT = 30.0
"""Seconds for the jobs to run."""
# Each second some 15 ms of work, so that the process stays below 3 % of a core.
TRAINING = "while sleep 1; do i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; done\n"


@dataclass(frozen=True)
class Job:
    """A job: whose, its name, the command it runs, and further words for the submitting program."""

    user: str
    name: str
    command: str
    words: str = ""

    @property
    def script(self) -> str:
        """Return the text that the batch system is given."""
        body = TRAINING if self.command == "train" else f"{self.command} {IDLE}\n"
        return f"#!/bin/sh\n{PATH}{body}"


def submit(farm: Farm, node: str, program: Sequence[str], option: str, jobs: Iterable[Job]) -> None:
    """Submit jobs on a node, each as its user; `option` is the program's one for a job's name.

    Raises SetupError when one is not taken.
    """
    for job in jobs:
        words = [*program, option, job.name, *shlex.split(job.words)]
        done = farm.enter(node, words, user=job.user, text=job.script)
        if done.returncode:
            raise SetupError(f"{node} did not take the job {job.name}: {done.stderr.strip()}", shlex.join(words))


def wait(farm: Farm, node: str, listing: Sequence[str], count: int) -> None:
    """Wait until a command on a node lists so many jobs as running; raises SetupError when it does not."""
    limit = time.monotonic() + TIMEOUT
    while (found := farm.enter(node, listing).stdout.lower().count(" r ")) < count:
        if time.monotonic() > limit:
            raise SetupError(f"{found} of {count} jobs run", f"on {node}: {shlex.join(listing)}")
        time.sleep(0.2)
