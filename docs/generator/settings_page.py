"""The page of the settings."""

from __future__ import annotations

from collections.abc import Iterator

from generator.markdown import markdown_table
from generator.program import PLACES, default_of, kind_of
from nicassh.config.settings import SETTINGS

TRUST = """\
## Whose files are used

A configuration decides whose Python runs here, and it is looked for in the current folder. So a configuration, an
inventory and a folder of probes are used only if the file, everything in the folder of probes, and every folder above
belong to this user or to root, and nobody else may write there. A group may write only if it is the user's own private
group. A folder such as `/tmp`, where anybody may write but only owners may rename, may be above; a file directly in it
is not used. Otherwise the command ends with exit code 2 and prints the `chmod` that repairs it.

Files that you name are always used: a configuration by `--config` or `NICAMON_CONFIG`, with an inventory beside it; an
inventory by `NICAMON_INVENTORY`. For probes `NICAMON_PROBES` is the only way. Help and completion run no probe of a
site.

A password in `database` that other users can read in the file causes a warning on stderr at each run. `nicamon init`
writes `nicamon.toml` for its owner alone.
""".splitlines()


def configuration() -> Iterator[str]:
    """The page of the settings."""
    yield "# Configuration"
    yield ""
    yield "One TOML file; `nicamon init` writes one in which every setting is a comment. It is the first of"
    yield ""
    yield from (f"{number}. {place}" for number, place in enumerate(PLACES, 1))
    yield ""
    yield "Files are not merged. A setting in the environment wins over the file. Relative paths are relative to the"
    yield "file, in the environment to the current folder; there a list is separated by colons. The nodes stand in a"
    yield "file of their own: see [install](install.md#the-inventory)."
    yield ""
    yield from TRUST
    yield ""
    rows = [("setting", "environment", "kind", "default")]
    rows += [
        (f"[`{name}`](#{name})", f"`NICAMON_{name.upper()}`", kind_of(name), f"`{default_of(name)}`")
        for name in SETTINGS
    ]
    yield from markdown_table(rows)
    for name, field in SETTINGS.items():
        yield from ("", f"## {name}", "", field.metadata["help"])
        if field.metadata["choices"]:
            yield from ("", "One of: " + ", ".join(f"`{choice}`" for choice in field.metadata["choices"]) + ".")
