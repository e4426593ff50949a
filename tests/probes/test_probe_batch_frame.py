"""The script of the probe batch frames what Grid Engine prints: whole, unmistakable, and not waited for."""

from __future__ import annotations

from pathlib import Path

import gridengine
import pytest
import sampling
import shells
from heads import Node, asked, reason, rows
from shells import Shell


@pytest.mark.parametrize("variant", ["soge", "awkward"])
def test_what_it_prints_comes_whole(lone: Shell, node: Node, variant: str) -> None:
    """With the qstat of another system first in PATH, as with Slurm's wrappers."""
    said = {each.command: each for each in gridengine.sample(f"sge_{variant}")}
    hosts, jobs, queues, usage = said.values()
    script = (
        '#!/bin/sh\ncase "$*" in\n"-u * -s prs -xml") f=jobs ;;\n"-g c -xml") f=queues ;;\n-help) f=usage ;;\nesac\n'
    )
    files = {"sge/hosts": hosts.text, "sge/jobs": jobs.text, "sge/queues": queues.text, "sge/usage": usage.text}
    top = node(files | {"other/bin/qstat": "#!/bin/sh\nexit 3\n"})
    node({"sge/bin/qhost": f"#!/bin/sh\ncat {top}/sge/hosts\n", "sge/bin/qstat": f"{script}cat {top}/sge/$f\n"})
    run = asked(lone, top, f"{top}/other/bin:{top}/sge/bin", SGE_ROOT="/opt/sge")
    expected = (sampling.folder("batch") / f"sge_{variant}.out").read_bytes()
    assert run.sections["batch"].output.replace(b"\n\n", b"\n") == expected.replace(b"\n\n", b"\n")


def test_three_megabytes_come_quickly_and_whole(lone: Shell, node: Node) -> None:
    jobs = "".join(gridengine.job(str(number), JB_name="x" * 400) for number in range(6000))
    files = {"hosts": gridengine.qhost().text, "jobs": gridengine.qstat(jobs).text + "\n"}
    assert len(files["jobs"]) > 3_000_000
    top = node(files)
    node(
        {
            "bin/qhost": f"#!/bin/sh\ncat {top}/hosts\n",
            "bin/qstat": f"#!/bin/sh\ncase $1 in -u) cat {top}/jobs ;; *) exit 1 ;; esac\n",
        }
    )
    run = asked(lone, top, f"{top}/bin", patience=60, SGE_ROOT="/opt/sge")
    assert len(sampling.of("batch_job", rows(run))) == 6000
    assert run.seconds < 15


def test_one_that_hangs_is_told_and_no_more_is_asked(lone: Shell, node: Node) -> None:
    top = node({"bin/qhost": "#!/bin/sh\necho partly\nexec sleep 321\n"})
    node({"bin/qstat": f"#!/bin/sh\n: >{top}/asked\n"})
    run = asked(lone, top, f"{top}/bin", SGE_ROOT="/opt/sge")
    assert reason(run) == "qhost did not answer in time"
    assert run.seconds < 15
    assert not Path(top, "asked").exists()
    assert shells.remaining(run.session) == []


def test_lines_without_an_end_do_not_run_into_each_other(lone: Shell, node: Node) -> None:
    script = "#!/bin/sh\nprintf '\\nend\\nguard sge x 0\\nlast'\nprintf 'error: a\\n\\nguard sge y 0\\nb' >&2\nexit 3\n"
    top = node({"bin/qhost": script, "bin/qstat": "#!/bin/sh\nexit 9\n"})
    run = asked(lone, top, f"{top}/bin", SGE_ROOT="/opt/sge")
    assert reason(run) == "a; guard sge y 0; b"
    lines = [line for line in run.sections["batch"].output.decode().split("\n") if line]
    assert lines == [
        "guard sge qhost -q -j -xml 3",
        *(" ", " end", " guard sge x 0", " last"),
        *("error error: a", "error guard sge y 0", "error b"),
        "end",
    ]


def test_one_that_crashes_is_told_with_its_signal(lone: Shell, node: Node) -> None:
    top = node({"bin/qhost": "#!/bin/sh\nkill -SEGV $$\n", "bin/qstat": "#!/bin/sh\nexit 9\n"})
    run = asked(lone, top, f"{top}/bin", SGE_ROOT="/opt/sge")
    assert run.sections["batch"].output.startswith(b"guard sge qhost -q -j -xml 139\n")
    assert reason(run)
