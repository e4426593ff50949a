"""`nicamon install-units`: have systemd run the daemon, or `collect` each minute."""

from __future__ import annotations

import getpass
import os
import pwd
import subprocess
import sys
from pathlib import Path

import click

from nicassh.cli import systemd
from nicassh.cli.session import Session
from nicassh.config import settings as config
from nicassh.config.home import config_folder
from nicassh.config.settings import SETTINGS
from nicassh.model.errors import ConfigError, SetupError, UsageError

_SYSTEM = Path("/etc/systemd/system")
_BOOTED = Path("/run/systemd/system")
"""This folder exists where systemd runs the machine: sd_booted(3)."""


@click.command()
@click.option("--user", is_flag=True, help="Units of this user, in ~/.config/systemd/user.")
@click.option("--system", is_flag=True, help="Units of the machine, in /etc/systemd/system.")
@click.option("--timer", is_flag=True, help="Not the daemon, but `nicamon collect` each minute.")
@click.option("--run-as", metavar="NAME", default="", help="With --system: the account whose keys open the nodes.")
@click.option("--now", is_flag=True, help="Enable and start them as well.")
@click.option("--force", is_flag=True, help="Write also over a unit that nicamon did not write.")
@click.option("--print", "shown", is_flag=True, help="Print the units, and write nothing.")
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="Write them there, and do not use systemd."
)
@click.pass_obj
def command(
    session: Session, user: bool, system: bool, timer: bool, run_as: str, now: bool, force: bool, shown: bool,
    folder: Path | None,
) -> None:  # fmt: skip
    """Let systemd run the daemon, or collect each minute.

    Writes units that start this very nicamon with the configuration in force, and prints the commands
    that enable and start them; --now runs these commands. A unit that nicamon did not write is not
    touched.

    \b
    nicamon install-units --user
    nicamon install-units --user --timer --now
    nicamon install-units --system --run-as nicamon
    nicamon install-units --system --run-as nicamon --print
    """
    if user == system:
        raise UsageError("say whose units they are to be", "--user: of this user; --system: of the machine, as root")
    if run_as and user:
        raise UsageError("--run-as is for --system", "units of a user run as that user")
    if now and (shown or folder):
        raise UsageError(f"--now and {'--print' if shown else '--folder'} cannot be used together")
    units = (systemd.timer if timer else systemd.daemon)(_setup(session, _account(run_as) if system else ""))
    place = folder or (_SYSTEM if system else _of_user())
    if shown:
        click.echo("\n".join(f"# {place / name}\n{text}" for name, text in units.items()), nl=False)
        return
    if not (folder or _BOOTED.is_dir()):
        hint = "let cron do it: * * * * * nicamon collect; --print or --folder gives the units for another machine"
        raise SetupError("systemd does not run on this machine", hint)
    _write(place, units, force)
    if not folder:
        _enable(["systemctl", "--user"] if user else ["systemctl"], next(iter(units)), now)


def _of_user() -> Path:
    """Return the folder of this user's units. Raises UsageError where there is no home folder."""
    folder = config_folder("systemd")
    if folder is None:
        raise UsageError("this user has no home folder", "say where the units are to be written: --folder")
    return folder / "user"


def _setup(session: Session, account: str) -> systemd.Setup:
    """Return what the units run. Raises ConfigError where nicamon would not start with it."""
    file = config.find(session.file)
    if file is None:
        raise ConfigError("there is no configuration file", "write one: nicamon init ~/.config/nicamon")
    session.select()
    session.probes()
    given = [f"NICAMON_{name.upper()}" for name in SETTINGS if f"NICAMON_{name.upper()}" in os.environ]
    if given:
        click.echo(f"{', '.join(given)} of your environment will not be in force: write it into {file}", err=True)
    # Where the database is, unless the configuration says it; another account has a state folder of its own.
    state = {} if account else {name: value for name, value in os.environ.items() if name == "XDG_STATE_HOME"}
    return systemd.Setup(_program(), _whole(file), session.config.timeout, account, state)


def _program() -> list[str]:
    """Return the command that starts the nicamon which runs now."""
    script = Path(sys.argv[0])
    return [str(_whole(script))] if script.name == "nicamon" else [sys.executable, "-m", "nicassh"]


def _whole(file: Path) -> Path:
    """Return the absolute path. Where the file itself is a link, the link stays."""
    return file.parent.resolve() / file.name


def _account(name: str) -> str:
    """Return the account of system units. Raises UsageError where none is named, or it does not exist."""
    if not name and os.geteuid() == 0:
        raise UsageError("say as which user they are to run", "--run-as NAME: the account whose keys open the nodes")
    name = name or getpass.getuser()
    try:
        pwd.getpwnam(name)
    except KeyError:
        raise UsageError(f"--run-as: this machine has no user {name!r}") from None
    return name


def _write(place: Path, units: dict[str, str], force: bool) -> None:
    """Write all units, or none. Raises UsageError for a file of somebody else, SetupError where it may not write."""
    try:
        for file in (place / name for name in units):
            foreign = (file.exists() or file.is_symlink()) and not _ours(file)
            if foreign and not force:
                raise UsageError(f"{file} was not written by nicamon", "move it away, or write over it with --force")
        place.mkdir(parents=True, exist_ok=True)
        for name, text in units.items():
            fresh = place / f".{name}.new"
            fresh.write_text(text, encoding="utf-8")
            fresh.chmod(0o644)
            fresh.replace(place / name)
            click.echo(f"wrote {place / name}")
    except OSError as error:
        hint = "be root, or use --user" if isinstance(error, PermissionError) and place == _SYSTEM else ""
        raise SetupError(f"{error.filename}: {error.strerror}", hint) from error


def _ours(file: Path) -> bool:
    return file.is_file() and file.read_text(encoding="utf-8", errors="replace").startswith(systemd.MARK)


def _enable(systemctl: list[str], unit: str, now: bool) -> None:
    """Enable and start a unit, or restart it; or print how. Raises SetupError where systemctl fails."""
    steps = [[*systemctl, "daemon-reload"], [*systemctl, "enable", unit], [*systemctl, "restart", unit]]
    if now:
        for step in steps:
            _run(step)
        click.echo(f"{unit} is enabled and runs")
    else:
        click.echo("next:")
        for step in steps:
            click.echo(f"  {' '.join(step)}")
    if "--user" in systemctl:
        click.echo(f"and that it runs while you are logged out: loginctl enable-linger {getpass.getuser()}")


def _run(step: list[str]) -> None:
    try:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
    except OSError as error:
        raise SetupError(f"{step[0]}: {error.strerror}") from error
    if done.returncode:
        raise SetupError(f"{' '.join(step)}: {done.stderr.strip() or f'exit status {done.returncode}'}")
