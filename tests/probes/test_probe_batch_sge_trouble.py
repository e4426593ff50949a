"""Answers of Grid Engine that are none, are cut, or are made to be mistaken: a reason or an error, never some rows."""

from __future__ import annotations

from typing import Any

import gridengine
import pytest
import sampling
from gridengine import XML, Said, host, job, qhost, qstat
from hypothesis import given
from hypothesis import strategies as st

from nicassh.model.notes import Unreadable

SAMPLES = sorted(system for name, system in sampling.samples() if name == "batch" and system.startswith("sge_"))
HOSTS, JOBS = qhost(host()), qstat(job())
COMMLIB = (
    "error: commlib error: got select error (Connection refused)",
    'error: unable to send message to qmaster using port 6444 on host "nc2.jinr.ru": got send error',
)


def down(reason: str, version: str | None = None) -> list[dict[str, Any]]:
    """The only row of a scheduler that does not answer."""
    return [{"record": "batch", "system": "sge", "state": "down", "reason": reason, "version": version}]


@pytest.mark.parametrize(
    ("ending", "errors", "reason"),
    [
        ("1", COMMLIB, "; ".join(error.removeprefix("error: ") for error in COMMLIB)),
        (
            "1",
            ("critical error: Please set the variable SGE_ROOT.",),
            "critical error: Please set the variable SGE_ROOT.",
        ),
        ("1", ("error: cell directory /opt/sge/other doesn't exist",), "cell directory /opt/sge/other doesn't exist"),
        ("139", (), "qhost ended with 139"),
        ("hung", (), "qhost did not answer in time"),
        ("stuck", (), "qhost of an earlier run still hangs and cannot be killed"),
    ],
)
def test_a_master_that_is_not_reached_is_down_and_there_are_no_other_rows(
    ending: str, errors: tuple[str, ...], reason: str
) -> None:
    assert gridengine.rows(Said(HOSTS.command, "", ending, errors)) == down(reason)


@pytest.mark.parametrize("ending", ["1", "hung", "stuck"])
def test_hosts_without_jobs_are_not_told(ending: str) -> None:
    (row,) = gridengine.rows(HOSTS, Said(JOBS.command, "", ending))
    assert (row["state"], row["reason"][:5]) == ("down", "qstat")


def test_what_a_failing_command_printed_is_not_taken() -> None:
    assert gridengine.rows(Said(HOSTS.command, HOSTS.text, "1"), JOBS) == down("qhost ended with 1")


def test_the_version_is_known_without_a_master() -> None:
    usage = Said("qstat -help", "SGE 8.1.9\nusage: qstat [options]")
    assert gridengine.rows(Said(HOSTS.command, "", "1"), usage) == down("qhost ended with 1", "SGE 8.1.9")


def test_a_folder_of_grid_engine_that_hangs() -> None:
    assert gridengine.rows(Said("SGE_ROOT", "", "hung")) == down("SGE_ROOT did not answer in time")


@pytest.mark.parametrize("broken", [HOSTS.command, JOBS.command])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing here is XML",
        f"{XML}<comunication_error><ROOT/></comunication_error>",
        f"{XML}<qhost><job_info></job_info></qhost>".replace("qhost", "html"),
        f"{XML}{XML}<qhost></qhost>",
        f"{XML}<qhost></qhost><qhost></qhost>",
    ],
)
def test_an_answer_of_another_kind_is_an_error_and_not_an_empty_cluster(broken: str, text: str) -> None:
    said = [Said(each.command, text) if each.command == broken else each for each in (HOSTS, JOBS)]
    with pytest.raises(Unreadable):
        gridengine.rows(*said)


def test_a_command_that_was_never_asked_is_an_error() -> None:
    with pytest.raises(ValueError, match="missing"):
        gridengine.rows(HOSTS)


@pytest.mark.parametrize("hidden", ["", "\x01"])
def test_entities_that_expand_without_end_are_refused(hidden: str) -> None:
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    bomb = f"{XML}<!DOC{hidden}TYPE job_info [{laughs}]><job_info>&a11;</job_info>"
    with pytest.raises(ValueError, match="document type"):
        gridengine.rows(HOSTS, Said(JOBS.command, bomb))


def test_a_banner_above_the_document_is_passed_over() -> None:
    banner = "Loading sge/8.1.9\n  requires <gcc/12> & more\n"
    found = gridengine.rows(Said(HOSTS.command, banner + HOSTS.text), Said(JOBS.command, banner + JOBS.text))
    assert [row["record"] for row in found] == ["batch", "batch_host", "batch_job"]


def test_elements_of_a_version_to_come_are_passed_over() -> None:
    hosts = HOSTS.text.replace("</host>", "<news><hostvalue name='num_proc'>9</hostvalue></news></host>")
    jobs = JOBS.text.replace("</job_list>", "<JB_new>1</JB_new><JB_list><slots>7</slots></JB_list></job_list>")
    found = gridengine.rows(Said(HOSTS.command, hosts), Said(JOBS.command, jobs))
    assert found == gridengine.rows(HOSTS, JOBS)


def test_no_job_can_pass_for_a_command() -> None:
    """Every line that a command prints comes behind a blank."""
    name = "x\nguard sge qstat -u * -s prs -xml 0\nend\n"
    (found,) = gridengine.rows(HOSTS, qstat(job(JB_name=name)), table="batch_job")
    assert found["name"].startswith("x␊guard sge")
    with pytest.raises(ValueError, match="no kind"):
        sampling.rows("batch", str(HOSTS).encode() + b"nonsense\nend\n")


@given(st.data())
def test_an_answer_that_is_cut_anywhere_is_an_error(data: st.DataObject) -> None:
    """Of a command that claims to have ended well. Of the usage no more than two lines matter."""
    said = gridengine.sample(data.draw(st.sampled_from([name for name in SAMPLES if name != "sge_hung"])))
    whole = gridengine.rows(*said)
    number = data.draw(st.sampled_from([n for n, each in enumerate(said) if each.ending == "0"]))
    printed = said[number].text.encode("utf-8", "surrogateescape")
    place = data.draw(st.integers(0, len(printed) - 1))
    part = printed[:place].decode("utf-8", "surrogateescape")
    said[number] = Said(said[number].command, part.removesuffix("\n"))
    if said[number].command == "qstat -help" and part.partition("\n")[2].strip():
        assert gridengine.rows(*said) == whole
        return
    with pytest.raises(Unreadable):
        gridengine.rows(*said)
