"""Checks of what the operator wrote: the configuration, the inventory and the probes of the site."""

from __future__ import annotations

from nicassh.config import settings, sources
from nicassh.model.units import counted
from nicassh.query.checks.checking import Verdict, check, critical, warning, well
from nicassh.query.checks.setup import Setup, by_words


@check("configuration")
def configuration(setup: Setup) -> Verdict:
    """Check that the configuration can be read and trusted, and that it has no unknown settings."""
    config = setup.sources.config
    if told := sources.warnings(config):
        what, _, advice = told[0].partition("; ")
        return warning(what, advice)
    if config.file is None:
        places = ", ".join(map(str, settings.places()))
        return warning(f"no file: the defaults hold. Looked for {places}", "write one: nicamon init")
    return well(str(config.file))


@check("inventory", needs="configuration")
def inventory(setup: Setup) -> Verdict:
    """Check that the inventory can be read, and that every node can be reached in a way that nicamon has."""
    files = ", ".join(map(str, setup.sources.inventory.sources))
    barred = {node.name: node.barred for node in setup.nodes if node.barred}
    if barred:
        return warning(by_words(barred), "such nodes are not asked: give them another address, or leave them out")
    return well(f"{counted(len(setup.nodes), 'node')} in {files}")


@check("names", needs="inventory")
def names(setup: Setup) -> Verdict:
    """Check that the addresses of all nodes can be looked up."""
    if setup.unknown:
        return critical(by_words(setup.unknown), "correct the name, or add `address` to the inventory")
    return well(f"{counted(len(setup.remote), 'address')} found" if setup.remote else "no node needs one")


@check("probes", needs="configuration")
def probes(setup: Setup) -> Verdict:
    """Check that the probes of the program and of the site can be loaded."""
    found = setup.sources.probes()
    return well(f"{counted(len(found), 'probe')} can be loaded")
