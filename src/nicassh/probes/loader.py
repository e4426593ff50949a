"""Probes: folders with a script, the records its output becomes, and real samples.

probes/disks/probe.sh     prints raw sources; decides nothing
probes/disks/NAME.sh      further scripts: their text is the variable $NAME of probe.sh
probes/disks/record.py    frozen dataclasses and parse(output) -> records; it may import files beside it
probes/disks/samples/     outputs of real systems and the rows they must give
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from nicassh.model.errors import ProbeError
from nicassh.model.notes import Note
from nicassh.model.outcome import Unknown
from nicassh.model.records import Keep, Record, columns, name_of
from nicassh.probes.reading import fit
from nicassh.probes.reserved import BUCKETS, COLUMNS, is_taken

NAME = re.compile(r"[a-z][a-z0-9_]*")
_PROGRAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
PRIORITIES = ("critical", "high", "medium", "low", "background")
PLACES = ("nodes", "batch_cluster")
"""Where a probe runs: on every node, or once a batch cluster, on the node that answers for it."""
ABSENT = 77
"""The exit status by which a probe says that it does not apply to its node (the convention of automake)."""
SIZE = 2 * 1024 * 1024
"""Bytes that a probe may print unless its folder says otherwise."""
_HISTORIES = {Keep.SERIES: ("series", "5m", "1h", "1d"), Keep.INTERVALS: ("intervals",), Keep.LATEST: ("top",)}
"""How the names of the further tables of a record end."""
Parse = Callable[[str], Iterable[Record | Unknown | Note]]
Advance = Callable[[Sequence[Record], Sequence[Record], float], Iterable[Record]]


@dataclass(frozen=True)
class Probe:
    """One probe as loaded from its folder.

    `every` is the period in seconds and `timeout` the limit of one run in whole seconds; `size` is how
    many bytes it may print. `where` is one of PLACES. `records` maps the name of each record's table to
    its type; the first is the probe's own name. `advance(now, before, seconds)`, where the folder defines it,
    turns counters into rates, and remembers what was there.
    """

    name: str
    folder: Path
    script: str
    every: int
    priority: str
    timeout: int
    size: int
    where: str
    requires: tuple[str, ...]
    records: dict[str, type[Record]]
    keep: dict[str, Keep]
    parse: Parse
    advance: Advance | None
    help: str


def folders(places: Iterable[Path]) -> dict[str, Path]:
    """Return the probes in these places: name to folder. Loads none of them. Raises ProbeError."""
    found: dict[str, Path] = {}
    for place in places:
        if not place.is_dir():
            raise ProbeError(f"{place}: no such folder of probes", "see the setting `probes`")
        for child in sorted(place.iterdir()):
            if (child / "probe.sh").is_file() or (child / "record.py").is_file():
                if child.name in found:
                    raise ProbeError(f"{child}: a probe named {child.name} exists in {found[child.name].parent}")
                found[child.name] = child
    return found


def about(folder: Path) -> str:
    """Return the first line of a probe's docstring, without running its code; "" where it has none."""
    try:
        said = ast.get_docstring(ast.parse((folder / "record.py").read_bytes()))
    except (OSError, SyntaxError, ValueError):
        return ""
    return (said or "").partition("\n")[0]


def load_all(places: Sequence[Path] = (), known: Sequence[Probe] = ()) -> list[Probe]:
    """Return the built-in probes and those of further folders, in the order of their priority.

    `known` are those that are loaded already; without any, the built-in ones are loaded first.

    Raises ProbeError for a folder that cannot be used. Loading a probe twice makes two sets of record
    types that are strangers to each other, so a program loads once.
    """
    found = {one.name: one for one in known}
    for name, folder in folders([*([] if known else [builtin()]), *places]).items():
        if is_taken(name):
            raise ProbeError(f"{folder}: {name!r} is a name of nicamon's own", "rename the folder")
        if name in found:
            raise ProbeError(f"{folder}: a probe named {name} exists in {found[name].folder.parent}")
        found[name] = load(folder)
    _check_tables(list(found.values()))
    return sorted(found.values(), key=lambda probe: PRIORITIES.index(probe.priority))


def named(probes: Sequence[Probe], names: Sequence[str]) -> list[Probe]:
    """Return the probes with these names; all where none is given. Raises ProbeError for a name that no probe has."""
    known = [probe.name for probe in probes]
    for name in names:
        if name not in known:
            raise ProbeError(f"no probe {name!r}", f"known probes: {', '.join(known)}")
    return [probe for probe in probes if not names or probe.name in names]


def builtin() -> Path:
    """Return the folder of the built-in probes: inside the wheel, or at the top of a checkout."""
    package = Path(__file__).resolve().parents[1]
    return next(folder for folder in (package / "shipped_probes", package.parents[1] / "probes") if folder.is_dir())


def load(folder: Path) -> Probe:
    """Load one probe. Raises ProbeError that says what its folder lacks."""
    if not NAME.fullmatch(folder.name):
        raise ProbeError(f"{folder}: a probe's name has lower-case letters, digits and '_' only")
    module = _import(folder)
    types = _records(module)
    _check(module, types, folder)
    script = _script(folder, getattr(module, "requires", ()))
    records = {_table(folder.name, index, record): record for index, record in enumerate(types)}
    return Probe(
        name=folder.name,
        folder=folder,
        script=script,
        every=module.every,
        priority=module.priority,
        timeout=module.timeout,
        size=getattr(module, "size", SIZE),
        where=getattr(module, "where", "nodes"),
        requires=tuple(getattr(module, "requires", ())),
        records=records,
        keep={name: Keep(record.keep or module.keep) for name, record in records.items()},
        parse=module.parse,
        advance=getattr(module, "advance", None),
        help=inspect.getdoc(module) or "",
    )


def read(probe: Probe, output: bytes) -> tuple[Record | Unknown | Note, ...]:
    """Return the records in a probe's output, fit to be stored, with what is unknown and with notes.

    Raises whatever `parse` raises.
    """
    return tuple(fit(probe.parse(output.decode("utf-8", "replace"))))


def _script(folder: Path, requires: Iterable[str]) -> str:
    """Return what runs on a node: the test for required programs, the folder's other scripts, and probe.sh.

    The other scripts are variables: the text of ask.sh is `$ask`.
    """
    tests = [f"command -v {program} >/dev/null || exit {ABSENT}\n" for program in requires]
    others = sorted(file for file in folder.glob("*.sh") if file.name != "probe.sh")
    try:
        parts = [f"{file.stem}={shlex.quote(file.read_text(encoding='utf-8'))}\n" for file in others]
        script = (folder / "probe.sh").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProbeError(f"{folder}/probe.sh: {error}") from error
    for file in others:
        if not NAME.fullmatch(file.stem):
            raise ProbeError(f"{file}: the name of a script has lower-case letters, digits and '_' only")
    return "".join([*tests, *parts, script])


def _table(probe: str, index: int, record: type[Record]) -> str:
    return record.table or (probe if index == 0 else f"{probe}_{name_of(record)}")


def _check_tables(probes: Sequence[Probe]) -> None:
    """Raise ProbeError where two records would share a table, or one the history of another."""
    taken: dict[str, Probe] = {}
    for probe in probes:
        for name in probe.records:
            for table in (name, *(f"{name}_{history}" for history in _HISTORIES[probe.keep[name]])):
                if is_taken(table):
                    raise ProbeError(f"{probe.folder}: its table {table!r} has a name of nicamon's own", "rename it")
                if table in taken:
                    raise ProbeError(f"{probe.folder}: its table {table!r} is one of {taken[table].folder} too")
                taken[table] = probe


def _records(module: ModuleType) -> list[type[Record]]:
    """Return the types that record.py lists in `records`, else those that it defines itself."""
    listed = getattr(module, "records", None)
    if listed is not None:
        return list(listed)
    defined = [value for value in vars(module).values() if inspect.isclass(value) and issubclass(value, Record)]
    return [record for record in defined if record.__module__ == module.__name__]


def _import(folder: Path) -> ModuleType:
    """Import the folder's record.py under a name of its own, so that two probes never meet.

    It is a package: `from .rows import Job` finds rows.py beside it.
    """
    name = f"nicassh_probe_{folder.name}"
    for stale in [loaded for loaded in sys.modules if loaded.startswith(f"{name}.")]:
        del sys.modules[stale]
    places = [str(folder)]
    spec = importlib.util.spec_from_file_location(name, folder / "record.py", submodule_search_locations=places)
    if spec is None or spec.loader is None or not (folder / "record.py").is_file():
        raise ProbeError(
            f"{folder}/record.py: no such file", "a probe needs probe.sh and record.py: docs/write-a-probe.md"
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while they are made
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ProbeError(f"{folder}/record.py: {type(error).__name__}: {error}") from error
    return module


def _check(module: ModuleType, types: list[type[Record]], folder: Path) -> None:
    where = f"{folder}/record.py"
    defaults: dict[str, Any] = {"every": None, "priority": None, "timeout": None, "keep": None, "size": SIZE}
    for name, default in defaults.items():
        kind = str if name in ("priority", "keep") else int
        if not isinstance(getattr(module, name, default), kind):
            raise ProbeError(f"{where}: `{name}` is missing or not of type {kind.__name__}")
    if module.priority not in PRIORITIES:
        raise ProbeError(f"{where}: priority {module.priority!r} is not one of: {', '.join(PRIORITIES)}")
    if getattr(module, "where", "nodes") not in PLACES:
        raise ProbeError(f"{where}: where {module.where!r} is not one of: {', '.join(PLACES)}")
    requires = getattr(module, "requires", ())
    if not isinstance(requires, tuple) or not all(isinstance(one, str) and _PROGRAM.fullmatch(one) for one in requires):
        raise ProbeError(f"{where}: `requires` must be a tuple of names of programs")
    if module.keep not in list(Keep):
        raise ProbeError(f"{where}: keep {module.keep!r} is not one of: {', '.join(Keep)}")
    if not types or not callable(getattr(module, "parse", None)):
        raise ProbeError(f"{where}: it must define a Record and parse(output)")
    for record in types:
        try:
            taken = _taken(record, Keep(record.keep or module.keep))
        except (TypeError, NameError) as error:
            raise ProbeError(f"{where}: {record.__name__}: {error}") from error
        if taken:
            raise ProbeError(f"{where}: {record.__name__}: the names {', '.join(sorted(taken))} are the store's own")


def _taken(record: type[Record], keep: Keep) -> set[str]:
    """Return the columns of a record whose names are taken: by nicamon's own columns or those of a series."""
    own = {column.name: column for column in columns(record)}
    numbers = [name for name, column in own.items() if keep is Keep.SERIES and column.kind in (int, float)]
    made = {number + end for number in numbers for end in BUCKETS}
    return {name for name in own if name in COLUMNS or name in made}
