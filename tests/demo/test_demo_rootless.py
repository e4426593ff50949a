"""A farm without root: made by an unprivileged child, whose account is in a private passwd."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from demo_logins import login

import needs
from nicassh import demo
from nicassh.demo import farm, processes
from nicassh.model.errors import SetupError

CODE = """
import json, sys
from pathlib import Path
from nicassh import demo
order, folder = sys.argv[1], Path(sys.argv[2])
if order == "up":
    demo.up(folder, 3)
elif order == "down":
    demo.down(folder)
print(json.dumps([row.alive for row in demo.status(folder)]))
"""
UID = "65534"


def unprivileged(order: str, folder: Path, passwd: Path) -> list[bool]:
    """Give an order as an unprivileged user; the nodes' states after it."""
    # It may read everything, since the interpreter may be where only root can look.
    user = ["setpriv", "--reuid", UID, "--regid", UID, "--clear-groups", "--inh-caps", "+dac_read_search"]
    user += ["--ambient-caps", "+dac_read_search", "--", sys.executable, "-c", CODE, order, str(folder)]
    script = 'mount --bind "$0" /etc/passwd && exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, str(passwd), *user],
        env=os.environ | {"HOME": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert isinstance(rows, list)
    return rows


@pytest.fixture
def passwd(tmp_path: Path) -> Path:
    """A passwd with an unprivileged account that may log in."""
    path = tmp_path / "passwd"
    path.write_text(f"root:x:0:0::/root:/bin/sh\nphysicist:x:{UID}:{UID}::{tmp_path}:/bin/sh\n")
    path.chmod(0o644)
    return path


def test_up_login_and_down(tmp_path: Path, passwd: Path) -> None:
    needs.root()
    os.chown(tmp_path, int(UID), int(UID))
    folder = tmp_path / "demo"
    assert unprivileged("up", folder, passwd) == [True, True, True]
    try:
        made = farm.load(folder)
        assert made is not None
        assert (made.kind, made.user) == ("rootless", "physicist")
        assert [node.address for node in made.nodes] == ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
        assert f"[127.0.0.2]:{made.nodes[0].port} ssh-ed25519 " in made.known_hosts.read_text()
        made.folder.chmod(0o755)
        for node in made.nodes:
            assert login(made, node.address, "id -un").strip() == "physicist"
        os.kill(made.nodes[1].pid, 9)
        assert unprivileged("up", folder, passwd) == [True, True, True]
        made = farm.load(folder)
        assert made is not None
    finally:
        assert unprivileged("down", folder, passwd) == []
    assert not folder.exists()
    assert not any(processes.same(node.pid, node.started) for node in made.nodes)


def test_a_user_without_a_shell_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    monkeypatch.setattr(os, "getuid", lambda: 1)
    with pytest.raises(SetupError, match="no login shell"):
        demo.up(tmp_path / "demo", 1)
    assert not (tmp_path / "demo").exists()
