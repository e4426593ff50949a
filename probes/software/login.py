"""What a login gets: read from the files that set up login shells, which are never run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from .output import Output, within
from .rows import Package

NAMES = ("SIMPATH", "ROOTSYS", "FAIRROOTPATH", "VMCWORKDIR", "G4INSTALL")
ASSIGNED = re.compile(rf"(?<![\w$])({'|'.join(NAMES)})=(\"[^\"]*\"|'[^']*'|[^\s;&|]*)")
SOURCED = re.compile(
    r"(?:^|[\s;&])(?:\.|source)\s++[\"']?+([^\s;&]{1,1000}?/(?:thisroot|geant4|FairRootConfig|SetEnv|config|env)\.sh)"
)
VARIABLE = re.compile(r"\$\{?(\w+)\}?")
LONGEST, LINKS = 1000, 40
"""Characters of a value; links on the way to a folder, as many as the kernel follows."""
LOADED = re.compile(r"\bmodule\s+(?:load|add)\s+([^;&|#]+)")
SCRIPTS = {
    "bin/thisroot.sh": "ROOTSYS", "bin/geant4.sh": "G4INSTALL", "bin/FairRootConfig.sh": "FAIRROOTPATH",
    "config/env.sh": "VMCWORKDIR", "SetEnv.sh": "VMCWORKDIR", "config.sh": "VMCWORKDIR",
}  # fmt: skip
"""Scripts of installations, and the variable that each sets to the folder it is in."""
MEANT = {
    "FairSoft": ("SIMPATH",), "ROOT": ("ROOTSYS", "SIMPATH"), "Geant4": ("G4INSTALL", "SIMPATH"),
    "xrootd": ("SIMPATH",), "FairRoot": ("FAIRROOTPATH",), "MpdRoot": ("VMCWORKDIR",), "BmnRoot": ("VMCWORKDIR",),
}  # fmt: skip
"""The variables that lead to a package, the first that is set before the others."""


def mark(found: Iterable[Package], seen: Output) -> Iterator[Package]:
    """The packages, those of which login shells get one with `default` told."""
    packages = list(found)
    variables, modules = _settings(seen)
    chosen = {}
    for package, names in MEANT.items():
        places = [_resolved(variables[name], seen.links) for name in names if variables.get(name)]
        paths = [one.path for one in packages if one.package == package and one.method not in _LISTED]
        if places:
            chosen[package] = next(filter(None, (_nearest(place, paths) for place in places)), "")
    loaded = {name.rpartition("/")[0]: name for name in modules}
    for one in packages:
        kit, _, version = one.path.removesuffix(".lua").rpartition("/")
        if one.method == "modulefile" and (name := loaded.get(kit.rpartition("/")[2])):
            yield replace(one, default=name.endswith(f"/{version}"))
        elif one.package in chosen and one.method not in _LISTED:
            yield replace(one, default=one.path == chosen[one.package])
        else:
            yield one


_LISTED = ("modulefile", "module", "rpm", "dpkg")


def _settings(seen: Output) -> tuple[dict[str, str], list[str]]:
    """The variables that login shells have, and the modules that they load, in the order in which files are read."""
    variables: dict[str, str] = {}
    modules: list[str] = []
    for path, lines in seen.files.items():
        for line in lines if "/etc/" in path and "modulefiles" not in path else ():
            text = line.lstrip()
            if text.startswith("#"):
                continue
            for match in ASSIGNED.finditer(text):
                variables[match[1]] = _expanded(match[2].strip("\"'"), variables)
            for match in SOURCED.finditer(text):
                script = _expanded(match[1], variables)
                tail = next((tail for tail in SCRIPTS if script.endswith(f"/{tail}")), "")
                if tail:
                    variables[SCRIPTS[tail]] = script.removesuffix(f"/{tail}")
            modules += [word for match in LOADED.finditer(text) for word in match[1].split() if "/" in word]
    return variables, modules


def _expanded(text: str, variables: dict[str, str]) -> str:
    """A value with the variables in it written out; "" where that takes a shell."""
    if len(text) <= LONGEST:  # else a value that names another twice, line by line, would double with each
        text = VARIABLE.sub(lambda match: variables.get(match[1], "$"), text)
    return "" if "$" in text or "`" in text or len(text) > LONGEST else text.rstrip("/")


def _resolved(path: str, links: dict[str, str]) -> str:
    """A path with the links that were seen taken out of it."""
    for _ in range(min(LINKS, len(links))):
        link = next((link for link in links if within(path, link)), None)
        if link is None:
            break
        path = links[link] + path[len(link) :]
    return path


def _nearest(place: str, paths: list[str]) -> str | None:
    """The path that is meant by a place: itself, the innermost around it, or the only one in it."""
    around = [path for path in paths if within(place, path)]
    inside = [path for path in paths if within(path, place)]
    return max(around, key=len) if around else inside[0] if len(inside) == 1 else None
