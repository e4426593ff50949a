"""The man pages: nicamon(1) from the help of the commands, nicamon.toml(5) from the declared settings."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from generator.program import PLACES, below, default_of, kind_of, table_options, top
from nicassh.cli import COMMANDS
from nicassh.config.settings import SETTINGS

_NOTE = r".\" Written by docs/generate.py. Do not edit: run `make docs`."
_OPERATE = Path(__file__).resolve().parents[1] / "operate.md"
_ENVIRONMENT = {
    "NICAMON_CONFIG": "The configuration file.",
    "NICAMON_SETTING": "A setting of nicamon.toml(5), by its name in capitals: NICAMON_FANOUT=64.",
    "NICAMON_DEBUG": "1: show where a fault of nicamon happened.",
    "NO_COLOR": "Draw without colours.",
    "TZ": "The zone of times, where the setting `timezone` names none.",
    "COLUMNS": "The width of tables where there is no terminal.",
}
_FILES = {
    "~/.config/nicamon/nicamon.toml": "The configuration: see nicamon.toml(5).",
    "~/.config/nicamon/inventory.toml": "The nodes; `nicamon init` writes a commented one.",
    "~/.local/state/nicamon/nicamon.db": "The database, where the setting `database` names no other.",
}


def nicamon() -> str:
    """Return nicamon(1)."""
    context = top()
    summary, _, rest = (context.command.help or "").partition("\n\n")
    lines = [
        _NOTE,
        '.TH NICAMON 1 "" nicamon "User commands"',
        ".SH NAME",
        f"nicamon \\- {_text(summary.rstrip(chr(46)))}",
    ]
    lines += [".SH SYNOPSIS", *_usage(context.command, context), ".SH DESCRIPTION", *_paragraphs(rest)]
    lines += [".SH OPTIONS", *_options(context.command, context)]
    lines += [".SH COMMANDS", *_terms(COMMANDS.items()), ".SH TABLES"]
    lines += ["Commands that print a table have these options.", *_table_options(context)]
    lines += [".SH COMMANDS IN DETAIL"]
    for command, own in list(below(context.command, context))[1:]:
        lines += [f".SS {_code(own.command_path)}", *_usage(command, own), *_paragraphs(command.help or "")]
        lines += _options(command, own)
    lines += [".SH EXIT STATUS", *_terms(_exit_codes()), ".SH ENVIRONMENT", *_terms(_ENVIRONMENT.items())]
    lines += [".SH FILES", *_terms(_FILES.items()), ".SH SEE ALSO", r"\fBnicamon.toml\fR(5), \fBssh_config\fR(5)"]
    return "\n".join(lines) + "\n"


def settings() -> str:
    """Return nicamon.toml(5)."""
    lines = [_NOTE, '.TH NICAMON.TOML 5 "" nicamon "File formats"', ".SH NAME"]
    lines += ["nicamon.toml \\- configuration of nicamon", ".SH DESCRIPTION"]
    lines += ["One TOML file; \\fBnicamon init\\fR writes one in which every setting is a comment. It is the first of"]
    lines += _terms((f"{number}.", place) for number, place in enumerate(PLACES, 1))
    lines += [
        ".PP",
        "Files are not merged. A setting in the environment wins over the file. Relative paths are relative to",
    ]
    lines += ["the file; in the environment to the current folder, and there colons separate the entries of a list."]
    lines += [".SH SETTINGS"]
    for name, field in SETTINGS.items():
        choices = f" One of: {', '.join(field.metadata['choices'])}." if field.metadata["choices"] else ""
        kind = f"{kind_of(name)[0].upper()}{kind_of(name)[1:]}"
        lines += [".TP", f"\\fB{_code(name)}\\fR = {_code(default_of(name))}", _text(field.metadata["help"] + choices)]
        lines += [_text(f"{kind}. Environment: NICAMON_{name.upper()}.")]
    lines += [".SH EXAMPLE", ".nf", _code('database = "postgresql://nicamon@db.example.org/nicamon"'), "fanout = 64"]
    lines += [".fi", ".SH FILES", *_terms(_FILES.items()), ".SH SEE ALSO", r"\fBnicamon\fR(1)"]
    return "\n".join(lines) + "\n"


def _exit_codes() -> Iterator[tuple[str, str]]:
    """Yield the exit codes, from the one page that explains them."""
    for code, meaning in re.findall(r"^\| ([\d, ]+) \| (.+) \|$", _OPERATE.read_text(encoding="utf-8"), re.M):
        plain = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", meaning).replace("*", "")
        yield code, f"{plain[0].upper()}{plain[1:]}."


def _usage(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"\\fB{_code(context.command_path)}\\fR {_code(' '.join(command.collect_usage_pieces(context)))}"


def _options(command: click.Command, context: click.Context) -> list[str]:
    """Return the options of a command, but for --help and those that every table has."""
    found = (one.get_help_record(context) for one in command.get_params(context) if isinstance(one, click.Option))
    records = [record for record in found if record and _name(record) not in ("--help", "-h")]
    own = [record for record in records if _name(record) not in table_options()]
    if len(records) - len(own) < len(table_options()):
        return list(_terms(records))
    return [*_terms(own), ".PP", r"The options of \fBTABLES\fR."]


def _table_options(context: click.Context) -> list[str]:
    command = next(one for one, own in below(context.command, context) if own.command_path == "nicamon tasks list")
    records = [one.get_help_record(context) for one in command.params if isinstance(one, click.Option)]
    return list(_terms(record for record in records if record and _name(record) in table_options()))


def _name(record: tuple[str, str]) -> str:
    return re.split(r"[ ,]", record[0].replace(" / ", " "))[0]


def _terms(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a list of terms, each with what it means."""
    for term, meaning in pairs:
        yield from (".TP", f"\\fB{_code(term)}\\fR", _text(" ".join(meaning.split())))


def _paragraphs(help_text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text; those that click does not wrap stay as they are."""
    for paragraph in help_text.split("\n\n"):
        if paragraph.strip().startswith("\b"):
            yield from (".PP", ".nf", ".RS 2")
            yield from map(_code, textwrap.dedent(paragraph.partition("\b\n")[2]).splitlines())
            yield from (".RE", ".fi")
        elif paragraph.strip():
            yield from (".PP", _text(" ".join(paragraph.split())))


def _code(text: str) -> str:
    """Return what is typed: every sign as it stands, hyphens as the minus that a shell knows."""
    return _text(text).replace("-", r"\-")


def _text(text: str) -> str:
    """Return a line of text for troff: code between back quotes is bold, and no sign is taken as a command."""
    safe = text.replace("\\", r"\e")
    safe = re.sub(r"`([^`]+)`", lambda found: f"\\fB{found[1]}\\fR", safe)
    safe = "".join(sign if ord(sign) < 128 else f"\\[u{ord(sign):04X}]" for sign in safe)
    return f"\\&{safe}" if safe.startswith((".", "'")) else safe
