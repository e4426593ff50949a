"""What the script printed, sorted by what it is about."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nicassh.model.notes import Notes, Unreadable
from nicassh.probes.tools import require_end

LONGEST = 8192
GUARD = re.compile(r"guard software (.+) (\w+)")


@dataclass
class Output:
    """Lines of the script by their first word, and those that grep found in files by the file."""

    roots: dict[str, str] = field(default_factory=dict)
    releases: dict[str, None] = field(default_factory=dict)
    """Folders, in their order."""
    modules: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    packages: list[tuple[str, str, str]] = field(default_factory=list)
    """Manager (rpm or dpkg), name, version."""
    files: dict[str, list[str]] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)

    def root_of(self, path: str) -> str:
        """The innermost root that a path is in."""
        place = path
        while place and place not in self.roots:
            place = place.rpartition("/")[0]
        return place or path

    def lost(self) -> list[str]:
        """The roots of which nothing could be learned."""
        return [path for path, state in self.roots.items() if state not in ("ok", "missing")]


def within(path: str, folder: str) -> bool:
    """Whether a path is a folder or in it."""
    return path == folder or path.startswith(f"{folder}/")


def read(output: str) -> Output:
    """The output sorted. Raises ValueError for one that is cut, and for a line that the script does not print."""
    seen, link = Output(), ""
    for line in require_end(output).split("\n"):
        if len(line) > LONGEST:  # no path is as long
            seen.notes.add(f"line `{line[:60]}…` is too long")
            continue
        word, _, rest = line.partition(" ")
        if line.startswith("/"):  # grep -H: `/opt/root/include/RVersion.h:#define ROOT_RELEASE "6.22/08"`
            path, _, text = line.partition(":")
            seen.files.setdefault(path, []).append(text)
        elif word == "release":
            seen.releases[rest] = None
        elif word == "module":
            seen.modules.append(rest)
        elif word == "link":
            link = rest
        elif word == "to":
            seen.links[link] = rest
        elif word in ("rpm", "dpkg"):
            name, _, version = rest.partition(" ")
            seen.packages.append((word, name, version))
        elif line and not line.endswith(" is not installed"):
            _state(seen, line)
    return seen


def _state(seen: Output, line: str) -> None:
    """`root /opt ok`; `base /var/lib/rpm 137`, an exit status; `guard software /cvmfs/nica.jinr.ru hung`."""
    word, _, rest = line.partition(" ")
    path, _, state = rest.rpartition(" ")
    if word == "root":
        seen.roots[path] = state
    elif word == "base":
        seen.roots[path] = _base(seen, path.rpartition("/")[2], state)
    elif match := GUARD.fullmatch(line):
        if match[2] != "0":
            seen.roots[match[1]] = "hung" if match[2] in ("hung", "stuck") else "broken"
    else:
        raise Unreadable(f"not understood: {line[:100]}")


def _base(seen: Output, manager: str, status: str) -> str:
    """The state of a list of packages. rpm's exit status counts what is missing, but it knows at least itself."""
    if status in ("124", "137"):
        return "hung"
    listed = any(name == "rpm" for _, name, _ in seen.packages) if manager == "rpm" else status == "0"
    return "ok" if listed else "broken"
