"""Slurm on a rooted farm: its configuration, whether it is up, its jobs.

The controller is on nc3; nc7 to nc9 run jobs, in the partitions `nica` and `fast`.
"""

from __future__ import annotations

import os
import pwd
import secrets

from nicassh.demo import freezer, jobs
from nicassh.demo.farm import Farm
from nicassh.demo.files import place
from nicassh.demo.jobs import Job
from nicassh.demo.system import batch_system
from nicassh.model.errors import SetupError

MASTER = 3
EXEC = (7, 8, 9)
CPUS = 4
SECRET = 0o400

# The nodes claim more processors than they have: their jobs only sleep.
CONFIGURATION = f"""ClusterName=nica
SlurmctldHost=nc{MASTER}
SlurmUser=slurm
AuthType=auth/munge
CredType=cred/munge
MpiDefault=none
SwitchType=switch/none
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldPidFile=/run/slurm/slurmctld.pid
SlurmdPidFile=/run/slurm/slurmd.pid
SlurmctldLogFile=/run/slurm/slurmctld.log
SlurmdLogFile=/run/slurm/slurmd.log
ProctrackType=proctrack/cgroup
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SlurmdTimeout=20
MessageTimeout=5
ReturnToService=2
FirstJobId=5020
NodeName=nc[7-9] CPUs={CPUS} Boards=1 SocketsPerBoard=1 CoresPerSocket={CPUS} ThreadsPerCore=1 RealMemory=1000
PartitionName=nica Nodes=nc[7-8] Default=YES MaxTime=7-00:00:00 State=UP
PartitionName=fast Nodes=nc9 MaxTime=1-00:00:00 State=UP
"""
GROUPS = "CgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\n"

# They leave two of the eight processors of `nica` free: a job that is added runs at once.
JOBS = (
    Job("zinchenk", "urqmd_AuAu_11gev", "urqmd", "--array=1-20%3"),
    Job("boliana", "ana_minidst", "root.exe -b anaDST.C -q", "--cpus-per-task=2"),
    Job("rogachev", "runMC_XeCs_4gev", "mpdroot runMC.C", "--hold"),
    Job("kolesnik", "reco_calib", "root.exe -l -b reco.C -q", "--partition=fast --cpus-per-task=3"),
    Job("merz", "train_pid", "train", "--partition=fast --cpus-per-task=4"),
    Job("strmaxim", "reco_XeCs_4gev", "root.exe -l -b reco.C -q"),
)
RUNNING = 6  # of them, counting each task of an array


def lay(farm: Farm) -> None:
    """Write the configuration and the key that the nodes know each other by.

    Raises SetupError when the machine cannot give the nodes control groups.
    """
    if not freezer.available():
        raise SetupError(
            "Slurm needs the control group hierarchy `freezer` (cgroup v1), which this machine does not mount",
            "--with sge, or a machine whose kernel has it",
        )
    etc = farm.folder / "layers/slurm/etc"
    place(etc / "slurm/slurm.conf", CONFIGURATION)
    place(etc / "slurm/cgroup.conf", GROUPS)
    key = etc / "munge/munge.key"
    place(key, secrets.token_hex(64), SECRET)
    account = pwd.getpwnam("munge")
    os.chown(key, account.pw_uid, account.pw_gid)
    (farm.folder / "slurm/state").mkdir(parents=True)


def awaited(farm: Farm) -> str:
    """Return what is not up yet: the controller, or nodes that it has not heard from."""
    said = farm.enter(f"nc{MASTER}", ["sinfo", "--noheader", "--Node", "--format=%N %T"])
    if said.returncode:
        return said.stderr.strip()
    states = dict(line.split() for line in said.stdout.splitlines())
    late = [name for name, state in states.items() if state not in ("idle", "mixed", "allocated")]
    return "not ready yet: " + " ".join(late) if late or not states else ""


def occupy(farm: Farm) -> None:
    """Submit the users' jobs, and wait for those that can run."""
    submit_node = f"nc{MASTER}"
    jobs.submit(farm, submit_node, ["sbatch"], "--job-name", JOBS)
    jobs.wait(farm, submit_node, ["squeue"], RUNNING)


SYSTEM = batch_system(
    "slurm",
    "Slurm",
    script="slurm.sh",
    programs={"slurmctld": "slurmctld", "slurmd": "slurmd", "sinfo": "slurm-client", "munged": "munge"},
    accounts=("slurm", "munge"),
    master=MASTER,
    workers=EXEC,
    lay=lay,
    awaited=awaited,
    occupy=occupy,
)
