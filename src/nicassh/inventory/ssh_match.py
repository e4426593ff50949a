"""For which hosts the lines of ssh_config hold: `Host` and `Match`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nicassh.inventory.patterns import fits_list

Holds = bool | str
"""Yes, no, or why nobody can tell without running or asking something."""

_WORD = re.compile(r'[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s"=#][^\s"=]*))(?:[ \t]*=)?[ \t]*')


@dataclass
class Host:
    """What is known of a host when a line is reached.

    `name` is what the user calls it, `address` its HostName, else the name. `unknown` has the criteria that
    cannot be told, and why. `wants_final` becomes true where a line holds only in the second reading.
    """

    name: str
    address: str
    user: str
    local_user: str
    tag: str
    final: bool
    unknown: dict[str, str]
    wants_final: bool = False


def both(outer: Holds, inner: Holds) -> Holds:
    """Return whether two conditions hold together. One that does not hold decides, whatever the other is."""
    if outer is False or inner is False:
        return False
    return outer if isinstance(outer, str) else inner


def host_holds(patterns: tuple[str, ...], name: str) -> bool:
    """Return whether a line `Host` holds: one pattern fits, and none of those with `!`."""
    return fits_list(list(patterns), name)


def match_holds(criteria: str, host: Host) -> Holds:
    """Return whether a line `Match` holds. Nothing is executed: where `exec` would decide, nobody can tell."""
    words = _words(criteria)
    if words is None:
        return f"Match {criteria}: its quotes do not close"
    if not words:
        return "Match without a criterion"
    holds: Holds = True
    while words:
        written = words.pop(0)
        negated, criterion = written.startswith("!"), written.removeprefix("!").lower()
        if criterion == "all":
            one: Holds = f"Match {criteria}: 'all' stands alone" if words else True
        elif criterion in ("final", "canonical"):
            host.wants_final = host.wants_final or criterion == "final"
            one = host.final
        elif not words:
            one = f"Match {criteria}: nothing stands behind {criterion!r}"
        else:
            one = _criterion(criterion, words.pop(0), host)
        holds = both(holds, one if isinstance(one, str) else one is not negated)
    return holds


def _criterion(criterion: str, argument: str, host: Host) -> Holds:
    """Return whether one criterion holds, before its `!`."""
    if criterion == "exec":
        return "Match exec is not executed"
    if criterion in host.unknown:
        return host.unknown[criterion]
    if criterion == "host":
        return fits_list(argument.lower().split(","), host.address.lower())
    if criterion == "originalhost":
        return fits_list(argument.lower().split(","), host.name.lower())
    texts = {"user": host.user, "localuser": host.local_user, "tagged": host.tag, "sessiontype": "exec"}
    if criterion not in texts:
        return f"Match {criterion} cannot be judged here"
    if criterion == "tagged" and not argument:
        return not host.tag
    return fits_list(argument.split(","), texts[criterion])


def _words(criteria: str) -> list[str] | None:
    """Return the criteria and their arguments, up to a comment; None where a quote does not close."""
    words: list[str] = []
    at = 0
    while at < len(criteria) and not criteria[at:].startswith("#"):
        found = _WORD.match(criteria, at)
        if found is None:
            return None
        words.append(re.sub(r'\\(["\\])', r"\1", found[1]) if found[1] is not None else found[2])
        at = found.end()
    return words
