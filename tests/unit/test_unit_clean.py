"""`clean` and `redact`: nothing that came from a node acts on what it is printed to."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicassh.model.text import LIMIT, clean, redact

BAD = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u3164\uffa0\ufe00\ufe0f\U000e0100\U000e01ef"


def test_no_code_point_of_a_bad_category_is_left() -> None:
    left = [
        f"U+{code:04X}"
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in BAD
        and any(unicodedata.category(one) in BAD or one == chr(code) for one in clean(chr(code)))
    ]
    assert left == []


def test_every_printable_code_point_stays() -> None:
    kept = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] in "LMNPS"]
    changed = [one for one in kept if clean(one) != one]
    assert 100 < len(changed) < 300, "variation selectors and fillers, and nothing else"
    assert all(unicodedata.category(one) in ("Mn", "Lo") for one in changed)
    assert len(kept) > 130_000


@pytest.mark.parametrize("one", INVISIBLE)
def test_letters_that_draw_nothing_are_shown(one: str) -> None:
    assert clean(f"a{one}b") == "a\ufffdb"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain text", "plain text"),
        ("Дубна, ЛФВЭ 日本語 ü ☃ 🚀", "Дубна, ЛФВЭ 日本語 ü ☃ 🚀"),
        ("\x1b[2J", "␛[2J"),
        ("a\tb\nc\r\x00", "a␉b␊c␍␀"),
        ("\x7f\x9b31m", "␡\ufffd31m"),
        ("\u202egpj.exe", "\ufffdgpj.exe"),
        ("z\u200bw\u2066x\u2069\ufeff", "z\ufffdw\ufffdx\ufffd\ufffd"),
        ("no\u00a0break\u3000wide", "no break wide"),
        ("line\u2028para\u2029next\x85", "line\ufffdpara\ufffdnext\ufffd"),
        ("half \ud83d pair", "half \ufffd pair"),
        (b"caf\xc3\xa9 \xff\xfe\x80", "café \ufffd\ufffd\ufffd"),
        (b"", ""),
        ("[red]x[/red] :smile: <b>", "[red]x[/red] :smile: <b>"),
    ],
)
def test_texts(text: str | bytes, safe: str) -> None:
    assert clean(text) == safe


def test_limits() -> None:
    assert clean("x" * LIMIT) == "x" * LIMIT
    assert clean("x" * (LIMIT + 1)) == "x" * (LIMIT - 1) + "…"
    assert clean("\x1b" * 50, 10) == "␛" * 9 + "…"
    assert clean(b"\xff" * 20, 5) == "\ufffd" * 4 + "…"


@given(st.one_of(st.text(st.characters()), st.binary()))
def test_clean_text_is_clean_and_stays_so(text: str | bytes) -> None:
    safe = clean(text)
    assert safe.isprintable()
    assert clean(safe) == safe
    assert len(safe) <= LIMIT


@pytest.mark.parametrize(
    ("command", "safe"),
    [
        ("wget --password=hunter2 url", "wget --password=*** url"),
        ("wget --password hunter2 url", "wget --password *** url"),
        ("curl -d token=abc123 u", "curl -d token=*** u"),
        ("curl u?token=abc&x=1", "curl u?token=***"),
        ("MYSQL_PWD=abc mysql -u mpd", "MYSQL_PWD=*** mysql -u mpd"),
        ("env PGPASSWORD=a psql", "env PGPASSWORD=*** psql"),
        ("x --api-key=k --secret: s", "x --api-key=*** --secret: ***"),
        ("mysql -u mpd -psecret", "mysql -u mpd -p***"),
        ("mysql -u mpd -p", "mysql -u mpd -p"),
        ("x --password --verbose", "x --password --verbose"),
        ("cd PWD=/home/x", "cd PWD=/home/x"),
        ("root.exe -l tokenizer.C", "root.exe -l tokenizer.C"),
        ("cat /etc/passwd /etc/hosts", "cat /etc/passwd /etc/hosts"),
        ("curl -u merz:geheim u", "curl -u merz:*** u"),
        ("/usr/bin/curl -umerz:merz u", "/usr/bin/curl -umerz:*** u"),
        ("curl -u 1000:1000 u", "curl -u 1000:*** u"),
        ("sh -c 'curl -s -u merz:merz u'", "sh -c 'curl -s -u merz:*** u'"),
        ("sudo wget -u x:y u", "sudo wget -u x:*** u"),
        ("some-tool -u merz:geheim", "some-tool -u merz:***"),
        ("ntpd -u ntp:ntp -p /var/run/ntpd.pid -g", "ntpd -u ntp:ntp -p /var/run/ntpd.pid -g"),
        ("/usr/sbin/ntpd -p /var/run/ntpd.pid -g -u 118:130", "/usr/sbin/ntpd -p /var/run/ntpd.pid -g -u 118:130"),
        ("chronyd -u root:chrony", "chronyd -u root:chrony"),
        ("docker run -u 1000:1000 image", "docker run -u 1000:1000 image"),
        ("docker run --rm -u merz:users image", "docker run --rm -u merz:users image"),
        ("ntpd -u ntp:ntp --password x", "ntpd -u ntp:ntp --password ***"),
        ("Authorization: Bearer abc", "Authorization: Bearer ***"),
        ("curl -H Authorization: abc u", "curl -H Authorization: *** u"),
        ("curl -H Authorization:   Basic   abc", "curl -H Authorization:   Basic   ***"),
        ("Authorization: abc", "Authorization: ***"),
        ("sshpass -p geheim ssh nc2", "sshpass -p *** ssh nc2"),
        ("sshpass   -pgeheim ssh nc2", "sshpass   -p*** ssh nc2"),
        ("x --password   geheim", "x --password   ***"),
        ("git clone https://merz:geheim@host/x", "git clone https://merz:***@host/x"),
    ],
)
def test_passwords_are_taken_out(command: str, safe: str) -> None:
    assert redact(command) == safe


def test_a_hostile_command_line_costs_no_time() -> None:
    """Quadratic matching of two megabytes would take hours, far beyond any limit of a test run."""
    for piece in ("token", "-", " ", "a", "token ", " --x-token:"):
        text = piece * (2_000_000 // len(piece))
        assert len(redact(text)) <= len(text)
