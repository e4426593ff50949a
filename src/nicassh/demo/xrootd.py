"""xrootd on a rooted farm: a redirector on nc4, and the data servers nc5 and nc6 behind it."""

from __future__ import annotations

from nicassh.demo.farm import Farm
from nicassh.demo.files import place
from nicassh.demo.plan import DOMAIN
from nicassh.demo.system import System

MANAGER = 4
SERVERS = (5, 6)
PORT = 1094

CONFIGURATION = f"""all.sitename nica-demo
all.export /
all.adminpath /var/spool/xrootd
all.pidpath /run/xrootd
all.manager nc{MANAGER}.{DOMAIN} 3121
all.role server
all.role manager if nc{MANAGER}.{DOMAIN}
oss.localroot /var/spool/nica
xrootd.chksum max 2 adler32
cms.delay startup 1 servers 1
"""
FILES = "nica/mpd/sim/urqmd-BiBi-09.2GeV-mb-eos0-500-{number}.reco.root"
COUNT = 4


def lay(farm: Farm) -> None:
    """Write the configuration, and the files that the servers have."""
    layer = farm.folder / "layers/xrootd"
    place(layer / "etc/xrootd/xrootd-mpd.cfg", CONFIGURATION)
    for number in range(1, COUNT + 1):
        place(layer / "nica" / FILES.format(number=number), f"events {number * 500}\n" * 1000)


def awaited(farm: Farm) -> str:
    """Return what is not up yet: servers that the redirector does not know."""
    # A client that comes before the servers waits ten seconds; one that comes again does not.
    address = f"localhost:{PORT}"
    said = farm.enter(f"nc{MANAGER}", ["timeout", "2", "xrdfs", address, "locate", "-h", "*"])
    known = {line.split()[0] for line in said.stdout.splitlines() if " Server " in line}
    return "" if len(known) == len(SERVERS) else f"the redirector knows {len(known)} of {len(SERVERS)} servers"


SYSTEM = System(
    word="xrootd",
    title="xrootd",
    script="xrootd.sh",
    programs={"xrootd": "xrootd-server", "cmsd": "xrootd-server", "xrdfs": "xrootd-client"},
    accounts=("xrootd",),
    leader=MANAGER,
    duties={MANAGER: "manager", **dict.fromkeys(SERVERS, "server")},
    roles=dict.fromkeys((MANAGER, *SERVERS), "storage"),
    lay=lay,
    awaited=awaited,
)
