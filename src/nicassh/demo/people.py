"""The users of the demo's nodes, and the processes they have there.

A process is real and costs next to nothing: a shell under another name, which waits for a line from
a named pipe. Its name, command line, owner and state are what `ps` shows of a physicist's job. On the
interactive nodes each user's processes share a terminal, which script(1) keeps.
"""

from __future__ import annotations

import pwd
import shlex
from collections.abc import Iterable

from nicassh.demo.plan import role

COLLECTOR = "nicamon"
COLLECTOR_ID = 990
GROUP = 500
USERS = {
    "strmaxim": 1001,
    "zinchenk": 1002,
    "boliana": 1003,
    "rogachev": 1004,
    "merz": 1005,
    "kolesnik": 1006,
}
PROGRAMS = ("root.exe", "urqmd", "mpdroot", "vim", "bash", "python3", "crond")
SCRIPTS = ("reco.C", "runMC.C", "anaDST.C", "field.C", "train.py")

# How many processes a user has, by the node's number modulo 8.
COUNTS = {
    "strmaxim": (2, 0, 6, 2, 0, 1, 0, 3),
    "zinchenk": (1, 2, 0, 3, 1, 0, 2, 0),
    "boliana": (0, 1, 1, 2, 0, 2, 1, 0),
    "rogachev": (1, 0, 2, 0, 1, 3, 0, 1),
    "merz": (0, 2, 1, 0, 2, 0, 0, 1),
    "kolesnik": (2, 0, 0, 1, 0, 1, 2, 0),
}
COMMANDS = {
    "interactive": (
        "bash",
        "root.exe -l -b reco.C -q",
        "vim reco.C",
        "root.exe -l anaDST.C",
        "mpdroot runMC.C",
    ),
    "batch": ("urqmd", "mpdroot runMC.C", "root.exe -l -b reco.C -q", "urqmd", "root.exe -b anaDST.C -q"),
}

# On which nodes something out of the ordinary is to be seen, one more process each.
BUSY = (2, 10)
STOPPED = (2,)
ZOMBIE = (3,)

PATH = "PATH=/run/nicamon/bin:$PATH\n"
IDLE = "<>/run/nicamon/idle"
WAIT = "read -r line\n"
# It stops itself: a signal from outside could arrive before it has its name.
HALT = "kill -STOP $$\n" + WAIT
# At each beat some 15 ms of work, so that the process stays below 3 % of a core.
WORK = "while read -r beat; do i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; done\n"
BEAT = "while :; do sleep 1; echo; done 1<>/run/nicamon/beat\n"


def script(name: str) -> str:
    """Return the text of one of the users' scripts."""
    return {"train.py": WORK, "field.C": HALT}.get(name, WAIT)


def accounts(others: Iterable[pwd.struct_passwd] = ()) -> dict[str, str]:
    """Return the texts of etc/passwd, etc/group and etc/shadow of a node; `others` are further users of it."""
    system = [
        "root:x:0:0:root:/root:/bin/sh",
        "daemon:x:2:2:daemon:/:/usr/sbin/nologin",
        "sshd:x:74:74:sshd:/run/sshd:/usr/sbin/nologin",
        "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin",
    ]
    system += [f"{row.pw_name}:x:{row.pw_uid}:{row.pw_gid}::{row.pw_dir}:/usr/sbin/nologin" for row in others]
    own = [f"{COLLECTOR}:x:{COLLECTOR_ID}:{COLLECTOR_ID}:monitoring:/home/{COLLECTOR}:/bin/sh"]
    own += [f"{login}:x:{uid}:{GROUP}::/home/{login}:/bin/sh" for login, uid in USERS.items()]
    logins = [line.partition(":")[0] for line in (*system, *own)]
    groups = [
        "root:x:0:",
        "daemon:x:2:",
        "tty:x:5:",
        "utmp:x:22:",
        "sshd:x:74:",
        f"mpd:x:{GROUP}:",
        f"{COLLECTOR}:x:{COLLECTOR_ID}:",
        "nogroup:x:65534:",
    ]
    groups += [f"{row.pw_name}:x:{row.pw_gid}:" for row in others]
    return {
        "etc/passwd": "\n".join((*system, *own)) + "\n",
        "etc/group": "\n".join(groups) + "\n",
        "etc/shadow": "".join(f"{login}:*:16000:0:99999:7:::\n" for login in logins),
    }


def commands(login: str, number: int) -> list[str]:
    """Return the command lines of a user's ordinary processes on a node."""
    offered = COMMANDS[role(number)]
    first = number + USERS[login]
    return [offered[(first + step) % len(offered)] for step in range(COUNTS[login][number % 8])]


def launch(number: int) -> str:
    """Return the shell text that starts all processes of a node; /run/nicamon/bin holds the programs."""
    parts = [PATH]
    for login in USERS:
        ordinary, odd = commands(login, number), oddities(login, number)
        if ordinary and role(number) == "interactive":
            # The session lives as long as its shell: so that becomes one of the processes.
            lines = [*(f"{command} {IDLE} &" for command in ordinary[1:]), *odd]
            lines += [": >.session", f"exec {ordinary[0]} {IDLE}"]
            session = shlex.quote(f"exec {become(login)} /bin/sh -c {shlex.quote(environment(login, lines))}")
            parts.append(f"SHELL=/bin/sh script -qec {session} /dev/null </dev/null >/dev/null 2>&1 &\n")
            parts.append(f"while [ ! -e /home/{login}/.session ]; do sleep 0.02; done\n")
        elif lines := [*(f"{command} {IDLE} &" for command in ordinary), *odd]:
            parts.append(f"{become(login)} /bin/sh -s <<'END'\n{environment(login, lines)}END\n")
    if number in BUSY:
        parts.append("crond /run/nicamon/beat.sh >/dev/null 2>&1 &\n")
    return "".join(parts)


def become(login: str) -> str:
    """Return the command that runs another as this user."""
    return f"setpriv --reuid {USERS[login]} --regid {GROUP} --clear-groups"


def environment(login: str, lines: Iterable[str]) -> str:
    """Return these lines of shell in the user's home, with the variables that a login sets."""
    body = "\n".join(lines)
    return f"export HOME=/home/{login} USER={login} LOGNAME={login}\nexec >/dev/null 2>&1; cd\n{body}\n"


def oddities(login: str, number: int) -> list[str]:
    """Return the lines that start the busy, the stopped and the zombie process, on the nodes that have one."""
    lines = []
    if login == "kolesnik" and number in BUSY:
        lines.append("python3 train.py <>/run/nicamon/beat &")
    if login == "merz" and number in STOPPED:
        lines.append(f"vim field.C {IDLE} &")
    if login == "boliana" and number in ZOMBIE:
        # The child is not the program's own, so it never waits for it.
        lines.append(f"( root.exe /dev/null & exec mpdroot runMC.C {IDLE} ) &")
    return lines
