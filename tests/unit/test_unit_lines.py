"""Texts in lines of a width: whatever a node says, no line is too wide, nothing is lost, and it ends soon."""

from __future__ import annotations

import random

import pytest
from rich.cells import cell_len

from nicassh.render.domain import without_domain
from nicassh.render.lines import wrapped

SIGNS = ("a", "é", "界", "a\u0301", "\u0301", "🙂", "/", ",", " ")


@pytest.mark.parametrize("sign", ["a", "界", "é", "a\u0301", "🙂", "a,", "界 "])
def test_a_text_without_end_is_wrapped_in_one_pass(sign: str) -> None:
    """Each character of a word was measured again for each line of it: 4,096 of them took minutes."""
    text = sign * 200_000
    lines = wrapped(text, 16)
    assert max(map(cell_len, lines)) <= 16
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("seed", range(40))
def test_any_text_fits_and_stays_whole(seed: int) -> None:
    chance = random.Random(seed)
    text = "".join(chance.choices(SIGNS, k=chance.randrange(200)))
    for room in (2, 3, 16):
        lines = wrapped(text, room)
        assert max(map(cell_len, lines)) <= room
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_word_is_broken_behind_a_sign() -> None:
    assert wrapped("/opt/fairsoft/jun19p2/lib", 12) == ["/opt/fairsof", "t/jun19p2/", "lib"]
    assert wrapped("see /cvmfs/mpd/lib", 12) == ["see", "/cvmfs/mpd/", "lib"]


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("nc[2-3].jinr.ru: up", "nc[2-3]: up"),
        ("nc2.jinr.ru.org, nc2.jinr.ru-x, .jinr.ru", "nc2.jinr.ru.org, nc2.jinr.ru-x, .jinr.ru"),
        ("nc2.jinr.ru, nc3.jinr.ru", "nc2, nc3"),
    ],
)
def test_a_domain_is_left_out_where_it_ends_a_name(text: str, drawn: str) -> None:
    assert without_domain(text, ".jinr.ru") == drawn
