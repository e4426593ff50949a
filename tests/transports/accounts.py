"""Accounts that exist for one sshd alone: it sees its own /etc/passwd, /etc/shadow and /etc/pam.d/sshd."""

from __future__ import annotations

from pathlib import Path

_FIRST = 41000
_PAM = """auth required pam_deny.so
account required pam_nologin.so file={folder}/closed
account required pam_unix.so
session required pam_permit.so
password required pam_deny.so
"""
_ENTER = """
mount --bind {folder}/passwd /etc/passwd
mount --bind {folder}/shadow /etc/shadow
mount --bind {folder}/pam /etc/pam.d/sshd
exec "$@"
"""


def accounts(folder: Path, shells: dict[str, str], expired: str = "") -> tuple[str, ...]:
    """A command that becomes its arguments where there are these accounts, `expired` with a password past its time.

    Where the file `closed` is in the folder, PAM lets nobody in. Only root can do it.
    """
    passwd, shadow = Path("/etc/passwd").read_text(), Path("/etc/shadow").read_text()
    for number, (name, shell) in enumerate(shells.items(), _FIRST):
        passwd += f"{name}:x:{number}:{number}::/:{shell}\n"
        shadow += f"{name}:*:{0 if name == expired else 19000}:0:99999:7:::\n"
    (folder / "passwd").write_text(passwd)
    (folder / "shadow").write_text(shadow)
    (folder / "pam").write_text(_PAM.format(folder=folder))
    script = "set -e" + _ENTER.format(folder=folder)
    return ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh")
