"""Making text that came from a node safe to store, print and log.

Any user of any node chooses process names, file names and mount points, so every string that
crosses the wire passes through `clean` once, when it is turned into a record or a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2s

from nicassh.model.passwords import hide

LIMIT = 4096
"""Characters kept of one string; the rest is cut and an ellipsis says so."""

# Letters and marks that Unicode calls printable but that draw nothing: fillers, joiners, variation selectors.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_PARTS = re.compile("[^\n\t]+")
_LIKE = {
    "‼": "!!", "–": "-", "…": "...", "×": "x", "±": "+-", "·": ".", "≥": ">=", "≤": "<=", "°": "", "░": ".",
    "▁": "_", "▂": "_", "▃": "-", "▄": "-", "▅": "=", "▆": "=", "▇": "#", "█": "#", "‘": "'", "’": "'",
}  # fmt: skip
_LINES = {"─": "-", "━": "-", "│": "|", "┃": "|"}
_REPLACEMENT = "\ufffd"
_PICTURES = 0x2400  # U+2400 SYMBOL FOR NULL and the 31 pictures after it


def clean(text: str | bytes, limit: int = LIMIT) -> str:
    """Return the text without anything that acts on a terminal, a table, a log or a page.

    Control characters become their Unicode pictures (ESC is ␛, a newline ␊); invalid UTF-8, format
    characters (bidi overrides, zero-width), surrogates and unassigned code points become U+FFFD;
    every kind of blank becomes a space.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    if not text.isprintable():
        text = "".join(_drawn(text))
    return _INVISIBLE.sub(_REPLACEMENT, text)


def clean_lines(text: str | bytes) -> str:
    """Return a text of any length with its lines and tabs, and each of its parts `clean`."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return _PARTS.sub(lambda part: clean(part[0], len(part[0])), text.replace("\r\n", "\n"))


def shorten(text: str, limit: int) -> str:
    """Return the text, or its beginning and a digest where it is too long: different texts stay different."""
    if len(text) <= limit:
        return text
    digest = blake2s(text.encode("utf-8", "replace"), digest_size=6).hexdigest()
    return f"{text[: limit - len(digest) - 1]}…{digest}"


def ascii_text(text: str) -> str:
    """Return the text in ASCII, as the C locale shows it: `!!` for `‼`, `-` for `–`, `?` for most others."""
    return text if text.isascii() else "".join(one if one.isascii() else _like(one) for one in text)


def replaced(error: UnicodeError) -> tuple[str, int]:
    """Return what a stream writes instead of characters that its encoding lacks: an error handler for `codecs`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_like, error.object[error.start : error.end])), error.end


def _like(one: str) -> str:
    """Return ASCII that looks like a character; of lines and points of a plot one character for each."""
    if "\u2800" <= one <= "\u28ff":
        return "*"
    if "\u2500" <= one <= "\u257f":
        return _LINES.get(one, "+")
    return _LIKE.get(one, "?")


def redact(command: str) -> str:
    """Return a command line with `***` for passwords and tokens. More than LIMIT characters are cut.

    `-u ntp:ntp` of a daemon and `-u 1000:1000` are a user and a group, and stay.
    """
    return hide(command if len(command) <= LIMIT else command[: LIMIT - 1] + "…")


def _drawn(text: str) -> Iterator[str]:
    for character in text:
        code = ord(character)
        if character.isprintable():
            yield character
        elif code < 0x20:
            yield chr(_PICTURES + code)
        elif code == 0x7F:
            yield "\u2421"
        elif character.isspace() and code not in (0x85, 0x2028, 0x2029):
            yield " "
        else:
            yield _REPLACEMENT
