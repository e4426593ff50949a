"""Packages are installed without starting services: what can be seen without installing one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nicassh.demo import packages, services, sshd
from nicassh.model.errors import SetupError


def test_policy_is_put_and_removed(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with pytest.raises(SetupError), packages.services_held(policy):
        assert subprocess.run([str(policy)], check=False).returncode == 101
        raise SetupError("the install fails")
    assert not policy.exists()


def test_a_policy_of_the_machine_is_left_alone(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    with packages.services_held(policy):
        pass
    assert policy.read_text() == "#!/bin/sh\nexit 0\n"


def test_a_policy_left_by_a_killed_run_is_removed(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text(f"#!/bin/sh\n{packages.NOTICE}\nexit 101\n")
    with packages.services_held(policy):
        assert policy.exists()
    assert not policy.exists()


def test_links_that_start_a_service_are_found(tmp_path: Path) -> None:
    wanted = ("etc/systemd/system/multi-user.target.wants/ssh.service", "etc/rc3.d/S01ssh")
    for name in (*wanted, "etc/rc3.d/K01ssh", "etc/rc3.d/S01sshguard"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to("/dev/null")
    assert services.links(["ssh"], tmp_path) == {tmp_path / name for name in wanted}


def test_grid_engine_brings_a_mailer_where_there_is_none(tmp_path: Path) -> None:
    sender = tmp_path / "sendmail"
    assert packages.with_mailer(["gridengine-exec", "munge"], sender) == ["gridengine-exec", "munge", "dma"]
    assert packages.with_mailer(["munge"], sender) == ["munge"]
    sender.touch()
    assert packages.with_mailer(["gridengine-exec"], sender) == ["gridengine-exec"]


def test_no_apt_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SetupError, match="no apt-get to install openssh-server"):
        packages.install(["openssh-server"], print)


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(SetupError, match="package no-such-package"):
        sshd.program("no-such-program", "no-such-package")


def test_usage() -> None:
    done = subprocess.run([sys.executable, "-m", "nicassh.demo.packages"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("usage:")
