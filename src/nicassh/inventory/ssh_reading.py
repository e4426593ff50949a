"""Reads what ssh_config files say of one host, as OpenSSH does: the first value wins (ssh_config(5))."""

from __future__ import annotations

from pathlib import Path

from nicassh.inventory.ssh_canonical import canonical_name
from nicassh.inventory.ssh_lines import Line, lines_of
from nicassh.inventory.ssh_match import Holds, Host, both, host_holds, match_holds
from nicassh.inventory.ssh_options import Options, local_user

_LISTS = ("userknownhostsfile", "globalknownhostsfile", "canonicaldomains", "canonicalizepermittedcnames")
_WORDS = (
    "hostname", "user", "port", "identityfile", "hostkeyalias", "identitiesonly", "gssapiauthentication",
    "connecttimeout", "addressfamily", "bindaddress", "tag", "canonicalizehostname", "canonicalizemaxdots",
    "canonicalizefallbacklocal",
)  # fmt: skip
_REST = ("proxycommand", "proxyjump")
_USED = frozenset((*_LISTS, *_WORDS, *_REST))


def options_of(name: str, file: Path, everyone: bool, given: dict[str, str]) -> Options:
    """Return the options of a host. Those in `given` count first, like options on ssh's command line."""
    lines = lines_of(file, everyone)
    options = Options(name, {option: [word.replace("%", "%%")] for option, word in given.items()})
    wants_final = _Reading(options, name, final=False).through(lines)
    if "hostname" not in options.doubts:
        options.values["hostname"] = [options.expand("hostname", options.first("hostname", name), "%h").lower()]
    host = canonical_name(options)
    if wants_final or options.first("canonicalizehostname", "no").lower() in ("yes", "true", "always"):
        options.values["hostname"] = [host]
        _Reading(options, host, final=True).through(lines)
    return options


class _Reading:
    """One reading of the files for one host."""

    def __init__(self, options: Options, called: str, final: bool) -> None:
        self._options = options
        self._called = called
        self._final = final
        self._wants_final = False

    def through(self, lines: tuple[Line, ...], outer: Holds = True) -> bool:
        """Take what holds for the host; whether a second reading is asked for.

        A file that is included begins as the place of its Include is, and leaves no trace behind it.
        """
        holds = outer
        for line in lines:
            if line.keyword == "host":
                holds = both(outer, host_holds(line.words, self._called) if line.words else _said(line, line.problem))
            elif line.keyword == "match":
                holds = both(outer, self._match(line))
            elif line.keyword == "include":
                for file in line.included:
                    self.through(file, holds)
            elif holds is not False:
                self._take(line, holds)
        return self._wants_final

    def _match(self, line: Line) -> Holds:
        options = self._options
        host = Host(
            name=options.name,
            address=self._address(),
            user=options.first("user") or local_user(),
            local_user=local_user(),
            tag=options.first("tag"),
            final=self._final,
            unknown={
                criterion: options.doubts[option]
                for criterion, option in (("host", "hostname"), ("user", "user"), ("tagged", "tag"))
                if option in options.doubts
            },
        )
        holds = match_holds(line.rest, host)
        self._wants_final = self._wants_final or host.wants_final
        return _said(line, holds) if isinstance(holds, str) else holds

    def _address(self) -> str:
        """Return HostName as it is known by now."""
        written = self._options.first("hostname", self._called)
        return written.replace("%h", self._options.name).replace("%%", "%") if not self._final else written

    def _take(self, line: Line, holds: Holds) -> None:
        """Take one line with an option."""
        if not line.keyword:  # a file that could not be read might have set anything
            for option in _USED:
                self._options.doubt(option, _said(line, line.problem))
        if line.keyword not in _USED:
            return
        words = list(line.words)
        if line.keyword == "proxyjump":
            words = [line.rest.partition("#")[0].strip()]
        elif line.keyword == "proxycommand":
            words = [line.rest]
        problem = line.problem if line.keyword not in _REST else ""
        if not problem and (not words[0] or (len(words) > 1 and line.keyword not in _LISTS)):
            problem = f"{line.keyword} takes one word"
        if isinstance(holds, str) or problem:
            self._options.doubt(line.keyword, holds if isinstance(holds, str) else _said(line, problem))
        else:
            self._options.set(line.keyword, words)


def _said(line: Line, problem: str) -> str:
    return f"{line.place}: {problem}"
