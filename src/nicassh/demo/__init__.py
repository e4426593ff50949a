"""A farm of real sshd nodes on this one machine, to try nicamon on and to test it with.

    farm = up(Path("/tmp/farm"), nodes=14)
    farm.enter("nc2", ["pkill", "vim"])
    down(farm.folder)

As root each node has its own address, host name, users, processes and software, in namespaces; as
another user each is an sshd of that user on an address of the loopback.
"""

from nicassh.demo.farm import Farm
from nicassh.demo.lifecycle import Status, down, status, up

__all__ = ["Farm", "Status", "down", "status", "up"]
