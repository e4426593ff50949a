"""The physics software and the operating systems that the nodes show, as small real files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """One installed set: FairSoft and the ROOT in it, FairRoot and MpdRoot built upon it."""

    fairsoft: str
    root: str
    date: str
    geant4: str
    fairroot: str
    mpdroot: str

    def files(self) -> dict[str, str]:
        """Return paths below / and their texts."""
        below = f"opt/fairsoft/{self.fairsoft}"
        return {
            f"{below}/README": f"FairSoft {self.fairsoft}: external packages for FairRoot\n",
            f"{below}/install/include/root/RVersion.h": self.header(),
            f"{below}/install/bin/geant4-config": GEANT4.format(release=self),
            "etc/profile.d/nica.sh": PROFILE.format(release=self),
            f"opt/fairroot/{self.fairroot}/bin/fairroot-config": CONFIG.format(release=self),
            f"opt/mpdroot/{self.mpdroot}/config.sh": SETUP.format(release=self),
        }

    def header(self) -> str:
        """ROOT's version header."""
        major, _, rest = self.root.partition(".")
        minor, _, patch = rest.partition("/")
        code = (int(major) << 16) + (int(minor) << 8) + int(patch)
        return HEADER.format(release=self, code=code)


HEADER = """#ifndef ROOT_RVersion
#define ROOT_RVersion

#define ROOT_RELEASE "{release.root}"
#define ROOT_RELEASE_DATE "{release.date}"
#define ROOT_VERSION_CODE {code}
#define ROOT_VERSION(a,b,c) (((a) << 16) + ((b) << 8) + (c))

#endif
"""

CONFIG = """#!/bin/sh
# fairroot-config: what this FairRoot was built with
fairroot=/opt/fairroot/{release.fairroot}
simpath=/opt/fairsoft/{release.fairsoft}/install
for word; do
    case $word in
    --version) echo {release.fairroot} ;;
    --fairsoft_path) echo "$simpath" ;;
    --prefix) echo "$fairroot" ;;
    *) echo "usage: fairroot-config [--version] [--fairsoft_path] [--prefix]" >&2; exit 1 ;;
    esac
done
"""

GEANT4 = """#!/bin/sh
# sh config query script for Geant4 {release.geant4} on UNIX platforms
prefix=/opt/fairsoft/{release.fairsoft}/install
name="geant4"
version="{release.geant4}"
case $1 in
--version) echo "$version" ;;
--prefix) echo "$prefix" ;;
*) echo "Usage: geant4-config [--prefix] [--version]"; exit 1 ;;
esac
"""

PROFILE = """# What logins get.
export SIMPATH=/opt/fairsoft/{release.fairsoft}/install
export ROOTSYS=$SIMPATH
export FAIRROOTPATH=/opt/fairroot/{release.fairroot}
export VMCWORKDIR=/opt/mpdroot/{release.mpdroot}
"""

SETUP = """export SIMPATH=/opt/fairsoft/{release.fairsoft}/install
export FAIRROOTPATH=/opt/fairroot/{release.fairroot}
export VMCWORKDIR=/opt/mpdroot/{release.mpdroot}
"""

RELEASES = {
    "apr13": Release("apr13", "5.34/05", "Feb 14 2013", "9.6.1", "v-14.11", "v14.11"),
    "mar15p2": Release("mar15p2", "5.34/25", "Feb 20 2015", "10.0.2", "v-15.03a", "v15.06"),
    "jun19p2": Release("jun19p2", "6.16/00", "Jan 22 2019", "10.5.1", "v18.2.0", "v19.09"),
}

# The look of an operating system: the texts of etc/redhat-release and of os-release.
# Scientific Linux 6 is older than os-release and has none.
SYSTEMS = {
    "el6": ("Scientific Linux release 6.4 (Carbon)\n", ""),
    "el7": (
        "CentOS Linux release 7.9.2009 (Core)\n",
        'NAME="CentOS Linux"\nVERSION="7 (Core)"\nID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"\n'
        'PRETTY_NAME="CentOS Linux 7 (Core)"\nCPE_NAME="cpe:/o:centos:centos:7"\n'
        'CENTOS_MANTISBT_PROJECT="CentOS-7"\nREDHAT_SUPPORT_PRODUCT="centos"\n',
    ),
    "el9": (
        "AlmaLinux release 9.4 (Seafoam Ocelot)\n",
        'NAME="AlmaLinux"\nVERSION="9.4 (Seafoam Ocelot)"\nID="almalinux"\n'
        'ID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\nPLATFORM_ID="platform:el9"\n'
        'PRETTY_NAME="AlmaLinux 9.4 (Seafoam Ocelot)"\nCPE_NAME="cpe:/o:almalinux:almalinux:9::baseos"\n',
    ),
}


def release(number: int) -> str:
    """Return which release a node has: the older nodes were never all moved to the same one."""
    if number >= 10:
        return "jun19p2"
    return "mar15p2" if number in (5, 9) else "apr13"


def system(number: int) -> str:
    """Return which operating system a node shows."""
    if number >= 10:
        return "el9"
    return "el7" if number >= 6 else "el6"


def identity(name: str) -> dict[str, str]:
    """Return the files by which a system is known, as paths below the node's own folder and texts."""
    redhat, modern = SYSTEMS[name]
    files = {"etc/redhat-release": redhat, "etc/system-release": redhat, "os-release": modern}
    return files | ({"etc/os-release": modern} if modern else {})
