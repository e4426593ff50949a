"""What a check is, what it says, and how checks are made in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from types import ModuleType

from nicassh.model.errors import NicamonError
from nicassh.model.severity import Severity
from nicassh.query.checks.setup import Setup


@dataclass(frozen=True)
class Verdict:
    """What a check found, and what to do about it. The severity UNKNOWN means that it could not be made."""

    severity: Severity
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Check:
    """One check: its name, the check without which it cannot be made ("" for none), and the function."""

    name: str
    needs: str
    look: Callable[[Setup], Verdict]


def check(name: str, needs: str = "") -> Callable[[Callable[[Setup], Verdict]], Check]:
    """Make the function below a check of its module. A NicamonError that it raises is a critical verdict."""
    return partial(Check, name, needs)


def checks_of(modules: Iterable[ModuleType]) -> list[Check]:
    """Return the checks of some modules, in the order in which they stand there."""
    return [one for module in modules for one in vars(module).values() if isinstance(one, Check)]


def well(found: str) -> Verdict:
    """Return the verdict of a check that found no trouble."""
    return Verdict(Severity.OK, found)


def warning(found: str, advice: str) -> Verdict:
    """Return the verdict of a check that found something to look at."""
    return Verdict(Severity.WARNING, found, advice)


def critical(found: str, advice: str) -> Verdict:
    """Return the verdict of a check that found something that does not work."""
    return Verdict(Severity.CRITICAL, found, advice)


def not_checked(why: str) -> Verdict:
    """Return the verdict of a check that could not be made."""
    return Verdict(Severity.UNKNOWN, why)


_ADVICE = "mend what it names, then run `nicamon doctor` again"


def verdicts(checks: Iterable[Check], setup: Setup) -> Iterator[tuple[str, Verdict]]:
    """Yield the name of each check with its verdict. One whose need is not met is not made."""
    unmet: set[str] = set()
    for one in checks:
        verdict = not_checked(f"the check of {one.needs} comes first") if one.needs in unmet else _look(one, setup)
        if verdict.severity in (Severity.CRITICAL, Severity.UNKNOWN):
            unmet.add(one.name)
        yield one.name, verdict


def _look(one: Check, setup: Setup) -> Verdict:
    try:
        return one.look(setup)
    except NicamonError as error:
        return critical(error.what, "; ".join(error.hint.splitlines()) or _ADVICE)
