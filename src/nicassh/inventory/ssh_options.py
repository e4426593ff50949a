"""The options of ssh_config that hold for one host."""

from __future__ import annotations

import os
import pwd
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache


@dataclass
class Options:
    """The options of one host by their name in lower case: the words of each, with `%h` and `~` as written.

    `doubts` has those that may be set by a line of which nobody can tell whether it holds, and that line.
    """

    name: str
    values: dict[str, list[str]] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)

    def first(self, option: str, default: str = "") -> str:
        """Return the first word of an option."""
        return self.values.get(option, [default])[0]

    def set(self, option: str, words: list[str]) -> None:
        """Set an option, unless an earlier line has set it."""
        if option == "identityfile":
            known = self.values.setdefault(option, [])
            known += [word for word in words if word not in known]
        elif not self._settled(option):
            self.values[option] = words

    def doubt(self, option: str, why: str) -> None:
        """Note that a line may set the option, if it holds."""
        if option == "identityfile" or not self._settled(option):
            self.doubts.setdefault(option, why)

    def reject(self, option: str, why: str) -> None:
        """Note that the value of an option is wrong."""
        self.doubts.setdefault(option, why)

    def _settled(self, option: str) -> bool:
        """Return whether later lines do not matter. ProxyJump and ProxyCommand exclude each other."""
        if option == "proxycommand" and self.first("proxyjump", "none") != "none":
            return True
        if option == "proxyjump" and "proxycommand" in self.values:
            return True
        return option in self.values or option in self.doubts

    def expand(self, option: str, text: str, tokens: str, user: str = "", port: int = 22) -> str:
        """Return a text with its `%` tokens, `${NAME}` and `~` replaced; "" and a doubt where one has no value.

        HostName knows `%h` alone, the name as it is called; elsewhere that is the address.
        """
        local, host = local_user(), self.first("hostname", self.name)
        known: dict[str, Callable[[], str]] = {
            "%": lambda: "%", "d": lambda: os.path.expanduser("~"),  # noqa: PTH111 pathlib raises where there is none
            "h": lambda: self.name if option == "hostname" else host,
            "n": lambda: self.name, "p": lambda: str(port), "r": lambda: user or local, "u": lambda: local,
            "i": lambda: str(os.getuid()), "k": lambda: self.first("hostkeyalias", self.name),
            "l": socket.gethostname, "L": lambda: socket.gethostname().partition(".")[0],
        }  # fmt: skip
        missing = [letter for letter in re.findall(r"%(.?)", text) if letter not in known or letter not in tokens]
        environment = [] if option == "hostname" else re.findall(r"\$\{([^}]*)\}", text)
        missing += [f"${{{name}}}" for name in environment if name not in os.environ]
        if missing:
            self.reject(option, f"{text!r}: {missing[0]!r} has no value here")
            return ""
        text = re.sub(r"%(.)", lambda found: known[found[1]](), text)
        if option == "hostname":
            return text
        text = re.sub(r"\$\{([^}]*)\}", lambda found: os.environ[found[1]], text)
        return os.path.expanduser(text)  # noqa: PTH111 pathlib raises for an unknown user


@cache
def local_user() -> str:
    """Return the name of the user who runs this; "" where the system has no name for the number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""
