"""Outputs of the probe batch made by hand or from a sample, and what it reads in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sampling

XML = "<?xml version='1.0'?>\n"


@dataclass(frozen=True)
class Said:
    """One command's section: `ending` is its exit status, hung or stuck."""

    command: str
    text: str = ""
    ending: str = "0"
    errors: tuple[str, ...] = ()
    system: str = "sge"

    def __str__(self) -> str:
        lines = [f"guard {self.system} {self.command} {self.ending}\n"]
        lines += [f" {line}\n" for line in self.text.split("\n")] if self.text else []
        return "".join([*lines, *(f"error {line}\n" for line in self.errors)])


def rows(*said: Said, table: str = "") -> list[dict[str, Any]]:
    """What the probe reads in these sections; of one table where it is named."""
    found = sampling.rows("batch", output(*said))
    return sampling.of(table, found) if table else found


def output(*said: Said) -> bytes:
    """The whole output of the script, had the commands said this."""
    return ("".join(map(str, said)) + "end\n").encode("utf-8", "surrogateescape")


def sample(name: str) -> list[Said]:
    """The sections of a sample. Bytes that are no UTF-8 stay as they are."""
    text = (sampling.folder("batch") / f"{name}.out").read_bytes().decode("utf-8", "surrogateescape")
    found = []
    for section in text.removesuffix("end\n").split("guard ")[1:]:
        head, *lines = section.split("\n")
        command, _, ending = head.partition(" ")[2].rpartition(" ")
        text = "\n".join(line[1:] for line in lines if line.startswith(" "))
        errors = tuple(line.partition(" ")[2] for line in lines if line.startswith("error "))
        found.append(Said(command, text, ending, errors, head.partition(" ")[0]))
    return found


def qhost(*hosts: str) -> Said:
    """What qhost prints of these hosts."""
    return Said("qhost -q -j -xml", f"{XML}<qhost>\n{''.join(hosts)}</qhost>")


def qstat(*jobs: str) -> Said:
    """What qstat prints of these jobs."""
    return Said("qstat -u * -s prs -xml", f"{XML}<job_info>\n<queue_info>\n{''.join(jobs)}</queue_info>\n</job_info>")


def host(name: str = "nc10.jinr.ru", *inside: str, **values: str) -> str:
    """A host of qhost, with a load unless another is given; `inside` are its queues and jobs."""
    about = {"num_proc": "24", "load_avg": "1.00"} | values
    lines = "".join(f"<hostvalue name='{key}'>{value}</hostvalue>\n" for key, value in about.items())
    return f"<host name='{name}'>\n{lines}{''.join(inside)}</host>\n"


def queue(name: str, letters: str, used: int = 0, slots: int = 24, reserved: int = 0) -> str:
    """A queue of a host."""
    about = {"slots_used": used, "slots": slots, "slots_resv": reserved, "state_string": letters}
    lines = "".join(f"<queuevalue qname='{name}' name='{key}'>{value}</queuevalue>\n" for key, value in about.items())
    return f"<queue name='{name}'>\n{lines}</queue>\n"


def slot(job: str, **values: str) -> str:
    """A job on a host: one element for each of its slots there."""
    lines = "".join(f"<jobvalue jobid='{job}' name='{key}'>{value}</jobvalue>\n" for key, value in values.items())
    return f"<job name='{job}'>\n{lines}</job>\n"


def job(number: str = "3791", **values: str) -> str:
    """A job of qstat."""
    about = {"JB_job_number": number, "JB_name": "reco", "JB_owner": "ivanov", "state": "r", "slots": "1"} | values
    return f"<job_list state='running'>\n{''.join(f'<{k}>{v}</{k}>' for k, v in about.items())}</job_list>\n"
