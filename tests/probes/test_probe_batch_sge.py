"""Grid Engine's answers: what each variant prints otherwise, and every trap that is known of."""

from __future__ import annotations

from typing import Any

import gridengine
import pytest
import sampling
from gridengine import host, job, qhost, qstat, queue, slot

from nicassh.model.records import columns

NEVER = {
    "batch_host": {"reason", "by", "marked"},
    "batch_queue": {"state", "limit"},
    "batch_job": {"limit", "reason"},
}
"""Fields that Grid Engine has nothing for."""
VARIANTS = ("62u5", "soge", "uge", "ocs9")
SOGE = "http://arc.liv.ac.uk/repos/darcs/sge/source"
GITHUB = "https://github.com/gridengine/gridengine/raw/master/source"

# Row of the table of variants: what stands in the samples, and what is read from it in all of them alike.
DIFFERENCES: dict[str, tuple[tuple[str, ...], tuple[str, str, str, Any]]] = {
    "sockets": (("", "m_socket", "m_socket", "m_socket"), ("batch_host", "nc10.jinr.ru", "cpus", 24)),
    "load": (
        ("'load_avg'>24.31", "'load_avg'>24.31", "'np_load_avg'>1.01", "'load_avg'>24.31"),
        ("batch_host", "nc10.jinr.ru", "load", pytest.approx(24.31, rel=0.005)),
    ),
    "namespace": (("gridengine.sunsource.net", SOGE, GITHUB, "hpc-gridware"), ("batch_queue", "all.q", "slots", 469)),
    "priority": (
        ("'0.555000'<", "'0.555000'<", ">0.555000<", ">0.555000<"),
        ("batch_job", "3791", "started", "2026-11-20T20:04:11Z"),
    ),
    "times": (
        (">1795219209<", ">1795219209<", ">1795219209<", ">1795219209123456<"),
        ("batch_job", "3802", "started", "2026-11-21T00:00:09Z"),
    ),
    "submission": (
        ("JB_submission_time>2026-11-20T19:59:59<",) * 3 + ("JAT_submission_time>2026-11-20T19:59:59.654321<",),
        ("batch_job", "3810", "submitted", "2026-11-20T19:59:59Z"),
    ),
    "order": (
        ("'slots_used'>3", "'slots_used'>3", "'slots_used'>3", "'slots_resv'>0</queuevalue>\n "),
        ("batch_host", "nc10.jinr.ru", "used", 3),
    ),
    "escaping": (
        ("mpi%lt;test&gt;", "mpi%lt;test&gt;", "mpi%lt;test&gt;", "mpi&lt;test&gt;"),
        ("batch_job", "3802", "name", "mpi<test>"),
    ),
    "version": (
        ("SGE 6.2u5", "SGE 8.1.9", "UGE 8.6.7", "OCS 9.0.5"),
        ("batch_job", "3802", "words", "r"),
    ),
}


def one(rows: list[dict[str, Any]], table: str, key: str) -> dict[str, Any]:
    """The first row of a table whose host, queue or job is this one."""
    return next(row for row in sampling.of(table, rows) if key in (row.get("host"), row.get("queue"), row.get("job")))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("difference", DIFFERENCES)
def test_variants(variant: str, difference: str) -> None:
    marks, (table, key, field, value) = DIFFERENCES[difference]
    said = gridengine.sample(f"sge_{variant}")
    printed = "\n".join(each.text for each in said)
    assert marks[VARIANTS.index(variant)] in printed
    assert one(gridengine.rows(*said), table, key)[field] == value


def test_the_samples_show_every_field_that_grid_engine_knows() -> None:
    found = [
        row
        for name, system in sampling.samples()
        if name == "batch" and system.startswith("sge_")
        for row in sampling.rows(name, (sampling.folder(name) / f"{system}.out").read_bytes())
    ]
    for table, record in sampling.probes()["batch"].records.items():
        rows = sampling.of(table, found)
        empty = {column.name for column in columns(record) if all(row[column.name] is None for row in rows)}
        assert empty == NEVER.get(table, set())


def test_the_awkward_sample_is_awkward() -> None:
    output = (sampling.folder("batch") / "sge_awkward.out").read_bytes()
    assert b"\x1b]52;" in output
    with pytest.raises(UnicodeDecodeError):
        output.decode()


@pytest.mark.parametrize(
    ("letters", "state"),
    [
        ("r", "running"),
        ("t", "running"),
        ("Rr", "running"),
        ("hr", "running"),
        ("s", "suspended"),
        ("S", "suspended"),
        ("T", "suspended"),
        ("ts", "suspended"),
        ("qw", "waiting"),
        ("Rq", "waiting"),
        ("hqw", "held"),
        ("hRwq", "held"),
        ("Eqw", "error"),
        ("Ehqw", "error"),
        ("dr", "ending"),
        ("dt", "ending"),
        ("ds", "ending"),
        ("dEqw", "ending"),
        ("x", "ending"),
        ("z", "other"),
    ],
)
def test_job_states(letters: str, state: str) -> None:
    (found,) = gridengine.rows(qhost(host()), qstat(job(state=letters)), table="batch_job")
    assert (found["state"], found["words"]) == (state, letters)


@pytest.mark.parametrize(
    ("tasks", "number"),
    [("", 1), ("7", 1), ("8-20000:1", 19993), ("1-20000:1", 20000), ("1,4,9-11:1", 5), ("2-18:4", 5)],
)
def test_an_array_is_counted_and_not_expanded(tasks: str, number: int) -> None:
    (found,) = gridengine.rows(qhost(), qstat(job(tasks=tasks)), table="batch_job")
    assert (found["task"], found["tasks"]) == (tasks, number)
    assert found["tie"] == f"3791.{tasks or 1}"


def test_a_suspended_job_stands_among_the_running() -> None:
    text = qstat(job(state="s")).text
    assert "<job_list state='running'>" in text
    (found,) = gridengine.rows(qhost(), qstat(job(state="s")), table="batch_job")
    assert found["state"] == "suspended"


@pytest.mark.parametrize(
    "name", ["a|b", " a  b ", "мпд", "x\x1b[31my", "%lt;b&gt;", "&amp;quot;", "\x01", "a\tb\rc", "\ufffe"]
)
def test_names_of_jobs(name: str) -> None:
    (found,) = gridengine.rows(qhost(), qstat(job(JB_name=name)), table="batch_job")
    plain = {"%lt;b&gt;": "<b>", "&amp;quot;": "&quot;", "x\x1b[31my": "x[31my", "\x01": "", "\ufffe": ""}
    assert found["name"] == plain.get(name, name.strip().replace("\t", "␉").replace("\r", "␊"))


def test_a_parallel_job_is_counted_once_and_has_all_its_hosts() -> None:
    about = {"qinstance_name": "all.q@nc10", "start_time": "1795205051"}
    hosts = [host(f"nc{n}.jinr.ru", queue("all.q", ""), slot("3802", **about) * n) for n in (3, 4, 10)]
    (found,) = gridengine.rows(qhost(*hosts), qstat(job("3802", slots="17")), table="batch_job")
    assert (found["hosts"], found["slots"], found["queue"]) == ("nc[3-4,10].jinr.ru", 17, "all.q")


def test_tasks_of_an_array_have_their_own_hosts() -> None:
    hosts = [host(f"nc{n}", slot("5", taskid=str(n), start_time="1795205051")) for n in (1, 2)]
    found = gridengine.rows(qhost(*hosts), qstat(job("5", tasks="1"), job("5", tasks="2")), table="batch_job")
    assert [(row["tie"], row["hosts"]) for row in found] == [("5.1", "nc1"), ("5.2", "nc2")]


def test_a_job_that_qhost_did_not_see_yet_has_the_host_of_its_queue() -> None:
    new = job(queue_name="all.q@nc10.jinr.ru", JAT_start_time="2026-11-20T20:04:11")
    (found,) = gridengine.rows(qhost(), qstat(new), table="batch_job")
    assert (found["queue"], found["hosts"], found["started"]) == ("all.q", "nc10.jinr.ru", "2026-11-20T20:04:11Z")


@pytest.mark.parametrize("text", ["1795205051", "1795205051123", "1795205051123456"])
def test_epochs_in_seconds_milliseconds_and_microseconds(text: str) -> None:
    (found,) = gridengine.rows(qhost(host("nc1", slot("3791", start_time=text))), qstat(job()), table="batch_job")
    assert found["started"] == "2026-11-20T20:04:11Z"


@pytest.mark.parametrize("zero", ["0", "", "-"])
def test_no_time_is_none(zero: str) -> None:
    running = qhost(host("nc1", slot("3791", start_time=zero)))
    (found,) = gridengine.rows(running, qstat(job(JAT_start_time="-", JB_submission_time="")), table="batch_job")
    assert (found["started"], found["submitted"]) == (None, None)


def test_options_that_a_site_adds_to_every_qstat() -> None:
    """sge_qstat may hold -f (jobs below their queues), -g t (an element a slot), -r (requests with names)."""
    running = qhost(host("nc1", slot("3791", qinstance_name="long.q@nc1")))
    request = "<hard_request name='slots'>99</hard_request><hard_request name='state'>x</hard_request>"
    inside = job().replace("</job_list>", f"{request}</job_list>")
    listed = f"<Queue-List><name>long.q@nc1</name><slots_total>9</slots_total><state>au</state>{inside}</Queue-List>"
    (found,) = gridengine.rows(running, qstat(listed, inside), table="batch_job")
    assert (found["queue"], found["slots"], found["state"], found["hosts"]) == ("long.q", 2, "running", "nc1")
