"""What nvidia-smi says of cards, of lost ones and of processes: one strange line costs its card, or nothing."""

from __future__ import annotations

from typing import Any

import pytest
import sampling
import smi
from smi import CARD

from nicassh.model.notes import Note, Unreadable
from nicassh.model.outcome import Unknown
from nicassh.probes import loader as probe

HEAD = "index, uuid, pci.bus_id, memory.used [MiB]"
ROW = "0, GPU-a, 00000000:17:00.0, 30513 MiB"
PROCESSES = "gpu_uuid, pid, used_gpu_memory [MiB], process_name"
WELL = {"uuid": "GPU-a", "index": 0, "address": "0000:17:00.0", "memory_used": 30513 << 20, "state": "ok"}


def notes(output: bytes) -> list[str]:
    return [one.text for one in probe.read(sampling.probes()["gpus"], output) if isinstance(one, Note)]


def known(output: bytes, table: str = "gpus") -> list[dict[str, Any]]:
    """The rows of a table, without what is unknown."""
    rows = sampling.of(table, sampling.rows("gpus", output))
    return [{name: value for name, value in row.items() if value is not None and name != "record"} for row in rows]


def output(head: str, row: str, processes: str = "gpu_uuid, pid, used_gpu_memory [MiB], process_name") -> bytes:
    """What the script prints of one card."""
    answers = f"cards\nguard nvidia-smi 0\n{head}\n{row}\nowners\nprocesses\nguard nvidia-smi 0\n{processes}\nend\n"
    return answers.encode()


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("[N/A]", None),
        ("N/A", None),
        ("[Not Supported]", None),
        ("Not Active", None),
        ("[Insufficient Permissions]", None),
        ("[Requested functionality has been deprecated]", None),
        ("[Unknown Error]", "Unknown Error"),
        ("[GPU requires reset]", "GPU requires reset"),
        ("ERR!", "ERR!"),
    ],
)
def test_what_is_no_number_is_unknown(word: str, reason: str | None) -> None:
    names = [name for name in CARD if name not in ("index", "gpu_recovery_action")]
    head = ", ".join(["index", *(f"{name} [{smi.UNITS[name]}]" if name in smi.UNITS else name for name in names)])
    (card,) = sampling.rows("gpus", output(head, ", ".join(["7", *[word] * len(names)])))
    known = {name: value for name, value in card.items() if value is not None and name != "record"}
    expected: dict[str, Any] = {"uuid": "index 7", "index": 7, "state": "fault" if reason else "ok"}
    assert known == expected | ({"reason": reason} if reason else {})


def test_units_come_from_the_head_or_the_value() -> None:
    head = "index, uuid, memory.total [GiB], memory.used [KiB], power.draw [mW]"
    (card,) = sampling.rows("gpus", output(head, "0, GPU-a, 80, 3 MiB, 1500"))
    assert (card["memory"], card["memory_used"], card["power"]) == (80 << 30, 3 << 20, 1.5)


@pytest.mark.parametrize(
    ("value", "size"),
    [("214 MB", 214 << 20), ("1 kB", 1 << 10), ("1 KiB", 1 << 10), ("2 GB", 2 << 30), ("0.5 TiB", 1 << 39), ("7 B", 7),
     ("7", 7 << 20), ("3MiB", 3 << 20)],
)  # fmt: skip
def test_sizes_in_every_unit(value: str, size: int) -> None:
    (card,) = known(output(HEAD, f"0, GPU-a, 00000000:17:00.0, {value}"))
    assert card == WELL | {"memory_used": size}


@pytest.mark.parametrize("head", ["memory.used [furlongs]", "memory.used"])
def test_a_unit_unheard_of_costs_its_value(head: str) -> None:
    sent = output(f"index, uuid, pci.bus_id, {head}", "0, GPU-a, 00000000:17:00.0, 80 furlongs")
    (card,) = known(sent)
    assert card == {name: value for name, value in WELL.items() if name != "memory_used"}
    assert notes(sent) == ["memory.used: furlongs is a unit unheard of"]


CORRUPT = "WARNING: infoROM is corrupted at gpu 0000:b3:00.0"
UNFORESEEN = "A quite new sentence, of b3 (0000:b3:00.0), nobody foresaw"
LOST = "Unable to determine the device handle for"


@pytest.mark.parametrize(
    ("said", "lost"),
    [
        (f"{LOST} GPU 0000:B3:00.0: GPU is lost.  Reboot the system", {"reason": "GPU is lost.  Reboot the system"}),
        (f"{LOST} GPU 00000000:b3:00.0: Unknown Error", {"reason": "Unknown Error"}),
        (f"{LOST} GPU1: 0000:b3:00.0: Unknown Error", {"reason": "Unknown Error", "index": 1}),
        (f"{LOST} gpu 0000:b3:00.0", {"reason": f"{LOST} gpu 0000:b3:00.0"}),
        (CORRUPT, {"reason": CORRUPT}),
        (UNFORESEEN, {"reason": UNFORESEEN}),
        (f"{LOST} GPU1: Unknown Error", {"reason": "Unknown Error", "index": 1, "uuid": "index 1"}),
        ("GPU 3 has fallen off the bus", {"reason": "GPU 3 has fallen off the bus", "index": 3, "uuid": "index 3"}),
    ],
)  # fmt: skip
def test_a_sentence_of_a_card_costs_this_card_alone(said: str, lost: dict[str, Any]) -> None:
    address = {} if "uuid" in lost else {"uuid": "0000:b3:00.0", "address": "0000:b3:00.0"}
    rows = f"{PROCESSES}\nGPU-a, 7, 268 MiB, ./reco"
    for head, row in ((f"{said}\n{HEAD}", ROW), (HEAD, f"{ROW}\n{said}"), (HEAD, f"{said}\n{ROW}")):
        for processes in (rows, f"{said}\n{rows}", f"{rows}\n{said}"):
            sent = output(head, row, processes)
            assert known(sent) == [WELL, {"state": "fault", **address, **lost}]
            running = {"gpu": "GPU-a", "pid": 7, "name": "./reco", "memory_used": 268 << 20}
            if "GPU" in said or "gpu" in said:
                assert known(sent, "gpus_process") == [running]


@pytest.mark.parametrize("said", ["WARNING: infoROM is corrupted at gpu 0000:17:00.0", "GPU 0: Unknown Error"])
def test_a_sentence_of_a_card_that_is_listed_is_its_fault(said: str) -> None:
    reason = "Unknown Error" if "Unknown" in said else said
    assert known(output(HEAD, f"{ROW}\n{said}")) == [WELL | {"state": "fault", "reason": reason}]


@pytest.mark.parametrize("row", ["1, GPU-b, surplus, 4 MiB, 5, 6", "1", "Something unheard of"])
def test_a_line_that_is_no_row_costs_itself(row: str) -> None:
    sent = output(HEAD, f"{row}\n{ROW}")
    assert known(sent) == [WELL]
    assert notes(sent) == [f"line `{row}` of nvidia-smi is no card"]


@pytest.mark.parametrize("head", ["", "uuid, index"])
def test_an_answer_without_a_table_is_no_answer(head: str) -> None:
    with pytest.raises(Unreadable, match="no table of cards"):
        sampling.rows("gpus", output(head, ROW))


def test_numbers_that_no_column_holds() -> None:
    sent = output(HEAD, f"0, GPU-a, 00000000:17:00.0, {'9' * 30} MiB\n{'9' * 25}, GPU-b, 00000000:18:00.0, -3 MiB")
    assert [card["uuid"] for card in known(sent)] == ["GPU-a", "GPU-b"]
    assert [note.partition(": ")[0] for note in notes(sent)] == ["GPU-a", "GPU-b", "GPU-b"]


@pytest.mark.parametrize(
    ("lines", "running"),
    [
        (PROCESSES, []),
        (f"{PROCESSES}\nWARNING: infoROM is corrupted at gpu 0000:17:00.0", []),
        (f"{PROCESSES}\nsomething else\nGPU-a, 7, 5 MiB, ./a", [(7, "./a")]),
        (f"{PROCESSES}\nGPU-a, 7, 5 MiB, ./a\nx, 1, ", [(7, "./a␊x, 1, ")]),
        (f"{PROCESSES}\nGPU-a, {'9' * 30}, 5 MiB, ./a\nGPU-a, 8, [N/A], ./b", [(8, "./b")]),
    ],
)
def test_processes_are_told_whatever_stands_beside_them(lines: str, running: list[tuple[int, str]]) -> None:
    sent = output(HEAD, ROW, lines)
    assert [(row["pid"], row["name"]) for row in known(sent, "gpus_process")] == running
    asked = probe.read(sampling.probes()["gpus"], sent)
    assert not any(isinstance(one, Unknown) and not one.where for one in asked)


@pytest.mark.parametrize(("status", "told"), [("0", True), ("14", True), ("15", True), ("9", False), ("hung", False)])
def test_a_list_of_processes_counts_where_the_program_answered(status: str, told: bool) -> None:
    sent = output(HEAD, ROW, f"{PROCESSES}\nGPU-a, 7, 5 MiB, ./a")
    before, _, after = sent.rpartition(b"guard nvidia-smi 0")
    assert len(known(before + f"guard nvidia-smi {status}".encode() + after, "gpus_process")) == told


@pytest.mark.parametrize(
    "processes", ["[Not Supported]", "gpu_uuid, pid, used_gpu_memory [MiB], process_name\n[Not Supported]"]
)
def test_a_list_of_processes_that_there_is_not_is_unknown(processes: str) -> None:
    found = list(sampling.probes()["gpus"].parse(output("index, uuid", "0, GPU-a", processes).decode()))
    assert [record.record.__name__ for record in found if isinstance(record, Unknown)] == ["Process"]
