"""Packages that somebody has listed: modulefiles, the distribution's own, drivers of the running kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .names import package_of, written
from .output import Output
from .rows import Package

DEFAULTS = re.compile(
    r'ModulesVersion\s+"?([^"\s]+)|module[-_]version[\s(]+"?(?:[^"\s]*/)?([^"\s/]+)"?[\s,]+"?default\b'
)
DRIVER = re.compile(r"(?:Module|for \w+)\s+(\d[\w.]*)")


def modulefiles(seen: Output) -> Iterator[Package]:
    """`/etc/modulefiles/ROOT/6.22.08`, or a .lua file of Lmod; the default is what the folder of the versions says."""
    for path in seen.modules:
        kit, _, version = path.rpartition("/")
        name = kit.rpartition("/")[2]
        package = package_of(name) or name.lower()
        chosen = _chosen(seen, kit)
        version = version.removesuffix(".lua")
        default = version == chosen if chosen else None
        yield Package(package, path, written(package, version), "modulefile", default, root="")


def _chosen(seen: Output, kit: str) -> str | None:
    """The default version of a module: by a link of that name, .modulerc or .version."""
    if f"{kit}/default" in seen.links:
        return seen.links[f"{kit}/default"].rpartition("/")[2].removesuffix(".lua")
    for file in (".modulerc.lua", ".modulerc", ".version"):
        # `set ModulesVersion "6.22.08"`, `module-version ROOT/6.22.08 default`, `module_version("6.22.08","default")`
        for line in seen.files.get(f"{kit}/{file}", []):
            if not line.lstrip().startswith(("#", "--")) and (match := DEFAULTS.search(line)):
                return str(match[1] or match[2])
    return None


def drivers(seen: Output) -> Iterator[Package]:
    """Modules of the kernel: `/sys/module/lustre/version:2.12.9`; nvidia also by its own file in /proc."""
    for path, lines in seen.files.items():
        folder, _, file = path.rpartition("/")
        if file == "version" and "/sys/module/" in path:
            yield Package(folder.rpartition("/")[2], folder, lines[0], "module", None, root="")
        elif path.endswith("/proc/driver/nvidia/version") and (match := DRIVER.search(lines[0])):
            # `NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023`
            yield Package(
                "nvidia",
                f"{folder.removesuffix('/proc/driver/nvidia')}/sys/module/nvidia",
                match[1],
                "module",
                None,
                root="",
            )


def distribution(seen: Output) -> Iterator[Package]:
    """Packages of rpm or dpkg. Of several versions of one, which is rare, the last listed stays."""
    for manager, name, version in reversed(seen.packages):
        if name == manager:  # it is asked for to know whether it answers
            continue
        package = "ROOT" if package_of(name) == "ROOT" else name
        yield Package(package, f"/var/lib/{manager}", version, manager, None, root="")
