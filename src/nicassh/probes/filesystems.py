"""File systems by their types: the one list of those whose look may hang, for scripts and for Python.

Names are patterns of the shell. Types of FUSE are `fuse.NAME`; each may hang, because a program answers for it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

NETWORK = (
    "nfs", "nfs[0-9]*", "cifs", "smb*", "ncp", "ncpfs", "afs", "coda", "9p", "virtiofs", "vboxsf", "vmhgfs", "prl_fs",
    "lustre", "lustre_*", "gpfs", "mmfs", "ceph", "beegfs", "fhgfs", "pvfs2", "orangefs", "panfs", "wekafs",
    "glusterfs", "dvs", "gfs", "gfs2", "ocfs2", "acfs", "cvfs", "quobyte", "daos", "davfs*", "sshfs", "s3fs",
    "curlftpfs", "cvmfs*", "eos*", "xrootdfs", "mfs", "moosefs", "lizardfs", "juicefs", "drvfs", "hostfs", "ibrix",
    "exofs", "cachefs",
)  # fmt: skip
"""What lies on other machines, or on disks that several share."""
FUSE = ("fuse", "fuse.*", "fuseblk")
AUTOFS = "autofs"
MEMORY = ("tmpfs", "ramfs", "rootfs")
"""What lies in memory: the root of a node without a disk, and /tmp of others, which is none of its disks' space."""
PSEUDO = (
    "proc", "sysfs", "devtmpfs", "devpts", "devfs", "usbfs", "usbdevfs", "cgroup*", "cpuset", "pstore", "bpf",
    "debugfs", "tracefs", "securityfs", "selinuxfs", "smackfs", "configfs", "efivarfs", "fusectl", "hugetlbfs",
    "mqueue", "nfsd", "binfmt_misc", "rpc_pipefs", "nsfs", "xenfs", "openpromfs", "spufs", "resctrl", "functionfs",
    "gadgetfs", "ibmasmfs", "inotifyfs", "futexfs", "eventpollfs", "oprofilefs", "capifs", "pipefs", "sockfs",
    "anon_inodefs", "bdev",
)  # fmt: skip
"""What the kernel shows of itself: no disk."""


def may_hang(kind: str) -> bool:
    """Return whether a look at a file system of this type may never come back."""
    return any(fnmatchcase(kind, pattern) for pattern in (*NETWORK, *FUSE, AUTOFS))


def functions() -> str:
    """Return shell code: `may_hang TYPE`, `is_pseudo TYPE`, and `$hanging`, an extended regular expression."""
    patterns = (*NETWORK, *FUSE, AUTOFS)
    expression = "|".join(one.replace(".", "[.]").replace("*", "[^ ]*") for one in patterns)
    return (
        f"hanging='{expression}'\n"
        f"may_hang() {{ case $1 in {' | '.join(patterns)}) ;; *) return 1 ;; esac; }}\n"
        f"is_pseudo() {{ case $1 in {' | '.join(PSEUDO)}) ;; *) return 1 ;; esac; }}\n"
    )
