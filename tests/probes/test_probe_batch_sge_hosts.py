"""Grid Engine's hosts and queues: states out of letters, slots, load and memory, and what is not known."""

from __future__ import annotations

import gridengine
import pytest
import sampling
from gridengine import Said, host, qhost, qstat, queue


@pytest.mark.parametrize(
    ("queues", "state", "words"),
    [
        ([""], "free", ""),
        (["a"], "busy", "a"),
        (["A"], "busy", "A"),
        (["S"], "busy", "S"),
        (["P"], "busy", "P"),
        (["d"], "drained", "d"),
        (["D"], "drained", "D"),
        (["s"], "drained", "s"),
        (["C"], "drained", "C"),
        (["c"], "drained", "c"),
        (["ad"], "drained", "ad"),
        (["u"], "down", "u"),
        (["au"], "down", "au"),
        (["adu"], "down", "adu"),
        (["E"], "down", "E"),
        (["dE"], "down", "dE"),
        (["d", "E"], "down", "q0:d q1:E"),
        (["d", "D"], "drained", "q0:d q1:D"),
        (["d", ""], "free", "q0:d"),
        (["E", "a"], "busy", "q0:E q1:a"),
        (["o"], "drained", "o"),
        (["o", ""], "free", "q0:o"),
        (["uo", "d"], "drained", "q0:uo q1:d"),
        ([], "drained", "no queue"),
    ],
)
def test_host_states(queues: list[str], state: str, words: str) -> None:
    inside = [queue(f"q{number}", letters) for number, letters in enumerate(queues)]
    (found,) = gridengine.rows(qhost(host("nc10", *inside)), qstat(), table="batch_host")
    assert (found["state"], found["words"]) == (state, words)


@pytest.mark.parametrize(
    ("queues", "state"),
    [
        ([("", 24, 0)], "full"),
        ([("a", 24, 0)], "full"),
        ([("", 2, 22)], "full"),
        ([("", 23, 0)], "busy"),
        ([("", 0, 0)], "free"),
        ([("", 0, 1)], "free"),
        ([("", 24, 0), ("d", 0, 0)], "full"),
        ([("", 24, 0), ("a", 0, 0)], "busy"),
        ([("", 24, 0), ("", 0, 0)], "busy"),
    ],
)
def test_a_host_is_full_where_the_queues_that_it_could_use_are(queues: list[tuple[str, int, int]], state: str) -> None:
    inside = [queue(f"q{n}", letters, used, 24, kept) for n, (letters, used, kept) in enumerate(queues)]
    (found,) = gridengine.rows(qhost(host("nc10", *inside)), qstat(), table="batch_host")
    assert found["state"] == state
    assert (found["slots"], found["used"]) == (24 * len(queues), sum(used for _, used, _ in queues))


def test_a_host_without_a_load_report_is_unknown_unless_its_execd_is_known_to_be_gone() -> None:
    silent = dict.fromkeys(("num_proc", "load_avg", "mem_total", "mem_used"), "-")
    hosts = [host(f"nc{n}", queue("q", letters), **silent) for n, letters in enumerate(("", "d", "au"))]
    found = gridengine.rows(qhost(*hosts), qstat(), table="batch_host")
    assert [row["state"] for row in found] == ["unknown", "unknown", "down"]
    assert {row[name] for row in found for name in ("cpus", "load", "memory", "memory_used")} == {None}


@pytest.mark.parametrize("word", ["-", "N/A", "-NA-", "NA", "-nan", "nan", ""])
def test_what_is_not_known_is_never_a_zero(word: str) -> None:
    values = {"num_proc": word, "load_avg": word, "mem_total": word, "mem_used": word}
    summary = Said(
        "qstat -g c -xml",
        f"{gridengine.XML}<job_info><cluster_queue_summary><name>q</name><load>{word}</load>"
        "<used>0</used><available>0</available><total>0</total></cluster_queue_summary></job_info>",
    )
    found = gridengine.rows(qhost(host("nc10", **values)), qstat(), summary)
    about = sampling.of("batch_host", found)[0]
    assert (about["cpus"], about["load"], about["memory"], about["memory_used"]) == (None, None, None, None)
    assert sampling.of("batch_queue", found)[0]["load"] is None


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *(("47.1G", 50573239910), ("47.1g", 47100000000), ("311.6M", 326736282), ("7.0m", 7000000)),
        *(("512.0k", 512000), ("1.5T", 1649267441664), ("2.0t", 2000000000000), ("0.0", 0), ("4096", 4096)),
    ],
)
def test_sizes(text: str, size: int) -> None:
    (found,) = gridengine.rows(qhost(host(mem_total=text)), qstat(), table="batch_host")
    assert found["memory"] == size


def test_a_value_that_nobody_has_seen_is_no_zero_either() -> None:
    (row,) = gridengine.rows(qhost(host(load_avg="lots")), qstat(), table="batch_host")
    assert (row["load"], row["state"]) == (None, "unknown")


def test_queues_are_summed_where_qstat_does_not() -> None:
    hosts = [host("nc1", queue("b.q", "", 3), queue("a.q", "d", 1, 4)), host("nc2", queue("b.q", "a", 5, 24, 2))]
    found = gridengine.rows(qhost(*hosts), qstat(), Said("qstat -g c -xml", ending="1", errors=("no -g",)))
    assert [list(row.values())[2:] for row in sampling.of("batch_queue", found)] == [
        ["a.q", None, 4, 1, 0, 4, None, None],
        ["b.q", None, 48, 8, 21, 0, None, None],
    ]


def test_global_is_no_host() -> None:
    assert gridengine.rows(qhost(host("global"), host("nc1")), qstat(), table="batch_host")[0]["host"] == "nc1"
