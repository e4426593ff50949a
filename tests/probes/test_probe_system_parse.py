"""Names and versions of operating systems, and models of processors of every architecture, as the parser reads them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import sampling


def told(files: Mapping[str, str]) -> dict[str, object]:
    """The row of a node whose files have these lines."""
    lines = [f"{name}:{line}" for name, text in files.items() for line in text.split("\n")]
    output = "\n".join(["osrelease 6.1", "hostname nc2", *lines, "end\n"])
    (row,) = sampling.rows("system", output.encode())
    return row


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Scientific Linux release 6.4 (Carbon)", "Scientific Linux 6.4"),
        ("Scientific Linux CERN SLC release 6.5 (Carbon)", "Scientific Linux CERN SLC 6.5"),
        ("CentOS Linux release 7.9.2009 (Core)", "CentOS Linux 7.9.2009"),
        ("CentOS Stream release 9", "CentOS Stream 9"),
        ("RED OS release MUROM (7.3.1) MINIMAL", "RED OS 7.3.1"),
        ("RED OS release (8.0.2) MINIMAL", "RED OS 8.0.2"),
        ("Kylin Linux Advanced Server release V10 (Sword)", "Kylin Linux Advanced Server V10"),
        ("Mandriva Linux release 2010.0 (Official) for x86_64", "Mandriva Linux 2010.0"),
        ("EulerOS release 2.0 (SP8)", "EulerOS 2.0"),
        ("Some Linux release Rawhide (none)", "Some Linux Rawhide"),
        ("Other Linux release el9-like, 3.2", "Other Linux 3.2"),
    ],
)
def test_words_after_release(line: str, name: str) -> None:
    assert told({"etc/redhat-release": line})["os"] == name
    assert told({"etc/system-release": line})["os"] == name
    other = 'NAME="Something"\nVERSION_ID="1"'
    assert told({"etc/redhat-release": line, "etc/os-release": other})["os"] == name


SLES = "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11"


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"etc/system-release": "Amazon Linux AMI release 2014.03"}, "Amazon Linux AMI 2014.03"),
        ({"etc/SuSE-release": f"{SLES}\nPATCHLEVEL = 2"}, "SUSE Linux Enterprise Server 11.2"),
        ({"etc/SuSE-release": f"{SLES}\nPATCHLEVEL = 0"}, "SUSE Linux Enterprise Server 11"),
        ({"etc/SuSE-release": "openSUSE 11.4 (x86_64)\nVERSION = 11.4"}, "openSUSE 11.4"),
        ({"etc/SuSE-release": SLES, "etc/os-release": 'NAME="SLES"\nVERSION_ID="11.4"'}, "SLES 11.4"),
        ({"etc/os-release": 'NAME="SLES"\nVERSION="15-SP4"\nVERSION_ID="15.4"'}, "SLES 15.4"),
        ({"etc/os-release": 'NAME="Ubuntu"\nID=ubuntu\nVERSION="22.04.4 LTS (Jammy)"\nVERSION_ID="22.04"'},
         "Ubuntu 22.04.4"),
        ({"etc/os-release": 'NAME="Ubuntu"\nID=ubuntu\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\nVERSION_ID="24.04"'},
         "Ubuntu 24.04.1"),
        ({"etc/os-release": 'NAME="Ubuntu"\nVERSION="22.10 (Kinetic)"\nVERSION_ID="22.10"'}, "Ubuntu 22.10"),
        ({"etc/os-release": 'NAME="AlmaLinux"\nVERSION="9.4 (Seafoam Ocelot)"\nVERSION_ID="9.4"'}, "AlmaLinux 9.4"),
        ({"etc/os-release": 'NAME="RED OS"\nVERSION="MUROM (7.3.1)"\nVERSION_ID="7.3.1"'}, "RED OS 7.3.1"),
        ({"etc/os-release": 'NAME=X\nVERSION="4.10"\nVERSION_ID="4.1"'}, "X 4.1"),
        ({"etc/os-release": 'NAME="Debian GNU/Linux"\nID=debian\nPRETTY_NAME="Debian GNU/Linux trixie/sid"',
          "etc/debian_version": "trixie/sid"}, "Debian GNU/Linux trixie/sid"),
        ({"etc/os-release": 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"', "etc/debian_version": "12.11"},
         "Debian GNU/Linux 12.11"),
        ({"etc/debian_version": "6.0.10"}, "Debian GNU/Linux 6.0.10"),
        ({"etc/debian_version": "squeeze/sid", "etc/lsb-release": 'DISTRIB_DESCRIPTION="Ubuntu 10.04.4 LTS"'},
         "Ubuntu 10.04.4 LTS"),
        ({"etc/debian_version": "squeeze/sid"}, None),
        ({"etc/SuSE-release": "VERSION = 9\nRELEASE = 9"}, None),
        ({"etc/SuSE-release": "Novell Linux Desktop 9 (i586)\nVERSION = 9"}, "Novell Linux Desktop 9"),
        ({"etc/altlinux-release": "ALT Linux 7.0.5 Centaurus  (Orchid)"}, "ALT Linux 7.0.5"),
        ({"etc/redhat-release": "ALT Linux 7.0.5 Centaurus  (Orchid)"}, "ALT Linux 7.0.5"),
        ({"etc/gentoo-release": "Gentoo Base System release 2.14"}, "Gentoo Base System 2.14"),
        ({"etc/gentoo-release": "Gentoo Base System release 2.15", "etc/os-release": "NAME=Gentoo\nVERSION_ID='2.15'"},
         "Gentoo 2.15"),
        ({"etc/slackware-version": "Slackware 14.2+"}, "Slackware 14.2+"),
        ({"etc/alpine-release": "3.4.6"}, "Alpine Linux 3.4.6"),
    ],
)  # fmt: skip
def test_operating_systems(files: dict[str, str], name: str | None) -> None:
    assert told(files)["os"] == name


ARM = "processor : 0\nCPU implementer : {}\nCPU architecture: 8\nCPU part : {}"


@pytest.mark.parametrize(
    ("cpuinfo", "model"),
    [
        ("processor : 0\nmodel name : Intel(R) Xeon(R)  CPU", "Intel Xeon CPU"),
        (ARM.format("0x41", "0xd0c"), "Neoverse-N1"),
        (ARM.format("0x46", "0x001"), "A64FX"),
        (ARM.format("0x41", "0xfff"), "ARM 0xfff"),
        (ARM.format("0x99", "0x123"), "0x99 0x123"),
        (ARM.format("0x50", "0x000") + "\nHardware : APM X-Gene Mustang board", "APM X-Gene Mustang board"),
        (ARM.format("0x41", "0xd08") + "\nModel : Raspberry Pi 4 Model B", "Raspberry Pi 4 Model B"),
        ("Processor : AArch64 Processor rev 1 (aarch64)\nprocessor : 0", "AArch64 Processor rev 1 (aarch64)"),
        ("processor : 0\nModel Name\t\t: Loongson-3A5000", "Loongson-3A5000"),
        ("processor : 0\ncpu model : Loongson-3 V0.8", "Loongson-3 V0.8"),
        ("processor : 0\ncpu : POWER9, altivec\nmodel : 8335-GTG\nmachine : PowerNV", "POWER9, altivec"),
        ("vendor_id : IBM/S390\nprocessor 0: version = FF,  identification = 3FEAB7,  machine = 2827", "IBM/S390 2827"),
        ("vendor_id : IBM/S390\nprocessor 0: version = 00\nmachine : 3906", "IBM/S390 3906"),
        ("processor : 0\nhart : 1\nisa : rv64imafdc\nmmu : sv39\nuarch : sifive,u74-mc", "sifive,u74-mc"),
        ("processor : 0\nhart : 1\nisa : rv64imafdc", "rv64imafdc"),
        ("processor : 0\nvendor_id : GenuineIntel\nmodel name :", "GenuineIntel"),
        ("processor : 0", None),
    ],
)  # fmt: skip
def test_processors(cpuinfo: str, model: str | None) -> None:
    row = told({"proc/cpuinfo": cpuinfo})
    assert (row["cpu"], row["cpus"]) == (model, 1)


def test_a_boot_time_that_cannot_be_is_unknown() -> None:
    for number in ("x", "9" * 30, "-1"):
        assert told({"proc/stat": f"btime {number}"})["boot_time"] is None
