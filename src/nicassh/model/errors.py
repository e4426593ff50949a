"""What an operator can do wrong, or a machine can refuse. A node's failure is no error: see `state`.

NicamonError            exit 2 unless the class says otherwise
├── UsageError          a wrong word on the command line, or one that does not fit the inventory
├── ConfigError         a file the operator wrote: names the file, and the key or line
│   ├── InventoryError
│   └── ProbeError      a probe folder that cannot be loaded
├── DatabaseError       exit 3
├── StaleError          exit 3: what is in the database is too old to answer from
└── SetupError          this machine lacks something that a command needs
"""

from __future__ import annotations


class NicamonError(Exception):
    """An error that says what was wrong, where, and what to do.

    `what` is one line; `hint` is the next thing to try.
    """

    exit_code = 2

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class UsageError(NicamonError):
    """The command line asks for what cannot be done."""


class ConfigError(NicamonError):
    """A file that the operator wrote is wrong."""


class InventoryError(ConfigError):
    """An inventory is wrong, or a node expression does not fit it."""


class ProbeError(ConfigError):
    """A probe folder is incomplete or its record.py cannot be used."""


class DatabaseError(NicamonError):
    """The database cannot be opened, read or written."""

    exit_code = 3


class StaleError(NicamonError):
    """What the database has is too old, or too little, to answer from."""

    exit_code = 3


class SetupError(NicamonError):
    """This machine lacks something: a program, a right, a free address."""
