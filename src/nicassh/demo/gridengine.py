"""Grid Engine on a rooted farm: the files of its cell, whether it is up, its jobs.

The master is on nc2, where the users log in; the batch nodes nc10 to nc15 run their jobs.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from nicassh.demo import jobs
from nicassh.demo.farm import Farm
from nicassh.demo.files import place
from nicassh.demo.jobs import Job
from nicassh.demo.plan import DOMAIN
from nicassh.demo.system import batch_system

MASTER = 2
EXEC = tuple(range(10, 16))
SLOTS = 3

ROOT = Path("/var/lib/gridengine")
SHARE = Path("/usr/share/gridengine")
SETTINGS = f"SGE_ROOT={ROOT}; export SGE_ROOT\nSGE_CELL=default; export SGE_CELL\n"
# Past the package's wrappers: a shepherd then has its job's number in its name, as everywhere else.
BOOTSTRAP = {"binary_path": "/usr/lib/gridengine"}
# What differs from the package's configuration. The times are short, so that one sees what happens.
CONFIGURATION = {
    "min_uid": "500",
    "min_gid": "100",
    "mailer": "/bin/true",
    "administrator_mail": "none",
    "load_report_time": "00:00:05",
    "max_unheard": "00:00:20",
}
# All nodes share one machine and its load, so no load is too high. The rest is as in queue_conf(5).
QUEUE = {
    "seq_no": "0",
    "load_thresholds": "NONE",
    "suspend_thresholds": "NONE",
    "nsuspend": "1",
    "suspend_interval": "00:05:00",
    "priority": "0",
    "min_cpu_interval": "00:05:00",
    "processors": "UNDEFINED",
    "qtype": "BATCH INTERACTIVE",
    "pe_list": "smp",
    "rerun": "FALSE",
    "slots": str(SLOTS),
    "tmpdir": "/tmp",  # noqa: S108 - the node's own
    "shell": "/bin/sh",
    "shell_start_mode": "posix_compliant",
    "notify": "00:00:60",
    "initial_state": "default",
}
UNUSED = (
    "ckpt_list prolog epilog starter_method suspend_method resume_method terminate_method owner_list user_lists "
    "xuser_lists subordinate_list complex_values projects xprojects calendar"
)
LIMITS = "rt cpu fsize data stack core rss vmem"

# They take thirteen of the eighteen slots and keep them: a job that is added runs at once.
JOBS = (
    Job("strmaxim", "reco_AuAu_9gev", "root.exe -l -b reco.C -q"),
    Job("strmaxim", "reco_AuAu_11gev", "root.exe -l -b reco.C -q"),
    Job("zinchenk", "urqmd_BiBi_9.2gev", "urqmd", "-t 1-20 -tc 8"),
    Job("boliana", "ana_dst", "root.exe -b anaDST.C -q", "-pe smp 2"),
    Job("rogachev", "runMC_AuAu_7gev", "mpdroot runMC.C", "-h"),
    Job("kolesnik", "runMC_BiBi_4gev", "mpdroot runMC.C", "-l mem_free=900G"),
    Job("merz", "train_field", "train"),
)
RUNNING = 12  # of them, counting each task of an array


def lay(farm: Farm) -> None:
    """Write the cell, and what the master's spool is filled with."""
    home = farm.folder / "sge"
    for name in ("bin", "lib", "utilbin", "util"):
        # Links into the packages.
        if (ROOT / name).is_symlink():
            (home / "root").mkdir(parents=True, exist_ok=True)
            (home / "root" / name).symlink_to((ROOT / name).readlink())
        elif (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, home / "root" / name, symlinks=True)
    cell = home / "root/default/common"
    place(cell / "act_qmaster", f"nc{MASTER}.{DOMAIN}\n")
    place(cell / "settings.sh", SETTINGS)
    place(cell / "bootstrap", changed(SHARE / "default-bootstrap", BOOTSTRAP))
    setup = home / "setup"
    place(setup / "configuration", changed(SHARE / "default-configuration", CONFIGURATION))
    place(setup / "pes/smp", (SHARE / "util/resources/pe/smp").read_text())
    hosts = [node.name for node in farm.nodes if node.number in EXEC]
    place(setup / "queue", queue(hosts))
    for node in farm.nodes:
        for kind in ("hosts", "exec") if node.name in hosts else ("hosts",):
            place(setup / kind / node.name, f"hostname {node.name}\n")
    (home / "spool").mkdir()
    for folder in (home / "root", home / "spool"):
        folder.chmod(0o755)


def changed(path: Path, settings: dict[str, str]) -> str:
    """Return the text of a configuration file of words and values, with these values for its own."""
    rows = [line.split(None, 1) for line in path.read_text().splitlines() if line.strip() and line[0] != "#"]
    return "".join(f"{word} {settings.get(word, value)}\n" for word, value in rows)


def queue(hosts: list[str]) -> str:
    """Return the text of the queue, whose slots are on these hosts."""
    rows = {"qname": "all.q", "hostlist": " ".join(hosts)} | QUEUE | dict.fromkeys(UNUSED.split(), "NONE")
    rows |= {f"{kind}_{limit}": "INFINITY" for limit in LIMITS.split() for kind in "sh"}
    return "".join(f"{word} {value}\n" for word, value in rows.items())


def awaited(farm: Farm) -> str:
    """Return what is not up yet: the master, or batch nodes that have not said their load."""
    said = farm.enter(f"nc{MASTER}", ["qhost"])
    if said.returncode:
        return said.stderr.strip()
    loads = {row[0]: row[6] for row in map(str.split, said.stdout.splitlines()) if len(row) > 6}
    late = [node.name for node in farm.nodes if node.number in EXEC and loads.get(node.name, "-") == "-"]
    return "no load yet from " + " ".join(late) if late else ""


def occupy(farm: Farm) -> None:
    """Submit the users' jobs, and wait for those that can run."""
    submit_node = f"nc{MASTER}"
    jobs.submit(farm, submit_node, ["qsub", "-cwd", "-j", "y"], "-N", JOBS)
    jobs.wait(farm, submit_node, ["qstat", "-u", "*"], RUNNING)


SYSTEM = batch_system(
    "sge",
    "Grid Engine",
    script="gridengine.sh",
    programs={"sge_qmaster": "gridengine-master", "sge_execd": "gridengine-exec", "qstat": "gridengine-client"},
    accounts=("sgeadmin",),
    master=MASTER,
    workers=EXEC,
    lay=lay,
    awaited=awaited,
    occupy=occupy,
)
