"""The probe `software` on trees of files, under every shell: folders, links, modules, packages; and cut outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sampling
import shells
from shells import Shell

from nicassh.model.outcome import Unknown

Tree = Callable[[Mapping[str, str]], str]
PROBE = sampling.probes()["software"]
OLD = '#define ROOT_RELEASE "6.22/08"\n'


MOUNTS = {"proc/mounts": "/dev/sda / ext4 rw 0 0\n"}


def printed(shell: Shell, root: str, roots: str = "/opt\n/usr/local") -> bytes:
    """What the script prints for a tree, with the tree's own path taken away."""
    section = shells.run(shell, [PROBE], {"root": root, "roots": roots}).sections["software"]
    assert (section.status, section.whole, section.errors) == (0, True, b"")
    return section.output.replace(root.encode(), b"")


def found(output: bytes) -> list[tuple[Any, ...]]:
    rows = sampling.of("software", sampling.rows("software", output))
    return [(row["package"], row["path"], row["version"]) for row in rows]


def states(output: bytes) -> dict[str, str]:
    return {row["path"]: row["state"] for row in sampling.of("software_folder", sampling.rows("software", output))}


def defaults(output: bytes) -> dict[str, bool | None]:
    return {row["path"]: row["default"] for row in sampling.of("software", sampling.rows("software", output))}


def test_releases_by_name_and_by_version_files(shell: Shell, tree: Tree) -> None:
    files = {
        "opt/fairsoft/apr13/install/include/root/RVersion.h": '#define ROOT_RELEASE "5.34/05"\n#define X 1\n',
        "opt/fairsoft/apr13/install/bin/geant4-config": '#!/bin/sh\nname="geant4"\nversion="9.6.1"\n',
        "opt/fairsoft/bmn/may18/x": "",
        "opt/fairsoft/nov15\nrelease/x": "",
        "opt/fairroot/install/bin/fairroot-config": "#!/bin/sh\n_version=v18.6.9\n_cc=/opt/gcc-8.3.0/bin/gcc\n",
        "opt/mpdroot-211112/x": "",
        "opt/BmnRoot/24.12.0/x": "",
        "opt/geant4.10.05.p01/x": "",
        "opt/gcc/jun19/x": "",
        "usr/local/root/include/ROOT/RVersion.hxx": "#define ROOT_VERSION_MAJOR 6\n#define ROOT_VERSION_MINOR 8\n"
        "#define ROOT_VERSION_PATCH 3 // no leading zeroes\n",
    }
    output = printed(shell, tree(MOUNTS | files), "/opt\n/usr/local/\n/nowhere")
    assert found(output) == [
        ("BmnRoot", "/opt/BmnRoot/24.12.0", "24.12.0"),
        ("FairRoot", "/opt/fairroot/install", "v18.6.9"),
        ("FairSoft", "/opt/fairsoft/apr13", "apr13"),
        ("FairSoft", "/opt/fairsoft/bmn/may18", "may18"),
        ("Geant4", "/opt/fairsoft/apr13/install", "9.6.1"),
        ("Geant4", "/opt/geant4.10.05.p01", "10.5.1"),
        ("MpdRoot", "/opt/mpdroot-211112", "211112"),
        ("ROOT", "/opt/fairsoft/apr13/install", "5.34.05"),
        ("ROOT", "/usr/local/root", "6.08.03"),
    ]
    assert states(output) == {"/nowhere": "missing", "/opt": "ok", "/usr/local": "ok"}


def test_what_lies_on_a_network_mount_is_looked_at_by_a_guarded_child(shell: Shell, tree: Tree) -> None:
    root = tree({
        "proc/mounts": "cvmfs2 /cvmfs/nica.jinr.ru fuse ro 0 0\nsrv:/y /opt/fairsoft/jul14 nfs rw 0 0\n",
        "cvmfs/nica.jinr.ru/centos7/fairroot/v18.2.0/x": "",
        "cvmfs/nica.jinr.ru/sw/slc7/modulefiles/ROOT/v6-30-08-2": "",
        "opt/fairsoft/jul14/include/RVersion.h": OLD,
        "opt/fairsoft/may18p1/x": "",
    })  # fmt: skip
    output = printed(shell, root, "/opt\n/cvmfs/nica.jinr.ru")
    assert found(output) == [
        ("FairRoot", "/cvmfs/nica.jinr.ru/centos7/fairroot/v18.2.0", "v18.2.0"),
        ("FairSoft", "/opt/fairsoft/jul14", "jul14"),
        ("FairSoft", "/opt/fairsoft/may18p1", "may18p1"),
        ("ROOT", "/cvmfs/nica.jinr.ru/sw/slc7/modulefiles/ROOT/v6-30-08-2", "6.30.08-2"),
        ("ROOT", "/opt/fairsoft/jul14", "6.22.08"),
    ]
    lines = output.decode().splitlines()
    for path in ("/opt/fairsoft/jul14", "/cvmfs/nica.jinr.ru/centos7/fairroot"):
        assert lines.index(f"release {path}") > min(i for i, line in enumerate(lines) if line.startswith("guard "))
    assert states(output) == {"/cvmfs/nica.jinr.ru": "ok", "/opt": "ok", "/opt/fairsoft": "ok"}


LINKS = {
    "to a mount": ("opt/fairsoft", "../nfs/fairsoft"),
    "over another link": ("opt/fairsoft", "../data/soft"),
    "of a release": ("opt/fairsoft/nov22", "../../nfs/fairsoft/nov22"),
    "of a folder in a release": ("opt/fairsoft/nov22/install", "../../../nfs/fairsoft/nov22/install"),
    "of the folder of version files": (
        "opt/fairsoft/nov22/install/include", "../../../../nfs/fairsoft/nov22/install/include"
    ),
    "of a version file": (
        "opt/fairsoft/nov22/include/RVersion.h", "../../../../nfs/fairsoft/nov22/install/include/root/RVersion.h"
    ),
}  # fmt: skip


@pytest.mark.parametrize("link", LINKS)
def test_a_link_into_a_network_mount_is_not_followed_without_a_guard(shell: Shell, tree: Tree, link: str) -> None:
    name, target = LINKS[link]
    root = tree({
        "proc/mounts": "srv:/nfs /nfs nfs rw,hard 0 0\n",
        "nfs/fairsoft/nov22/install/include/root/RVersion.h": OLD, "opt/x": "", "data/x": "",
    })  # fmt: skip
    (Path(root) / "data/soft").symlink_to("../nfs/fairsoft")
    (Path(root) / name).parent.mkdir(parents=True, exist_ok=True)
    (Path(root) / name).symlink_to(target)
    unguarded = replace(PROBE, script="start_guarded() { printf 'guard %s hung\\n' \"$1\"; }\n" + PROBE.script)
    section = shells.run(shell, [unguarded], {"root": root, "roots": "/opt"}).sections["software"]
    assert states(section.output.replace(root.encode(), b"")) == {"/opt": "ok", "/opt/fairsoft": "hung"}
    assert b"ROOT_RELEASE" not in section.output
    output = printed(shell, root, "/opt")
    assert ("FairSoft", "/opt/fairsoft/nov22", "nov22") in found(output)
    assert "6.22.08" in [version for _, _, version in found(output)]


def test_after_three_that_hang_the_rest_is_passed_over(shell: Shell, tree: Tree) -> None:
    names = [f"/cvmfs/{letter}" for letter in "abcde"]
    root = tree({"proc/mounts": "".join(f"cvmfs2 {name} fuse ro 0 0\n" for name in names), "opt/fairsoft/apr13/x": ""})
    dead = "start_guarded() { printf 'guard %s hung\\n' \"$1\"; }\nwait_guarded() { return 1; }\n"
    run = shells.run(
        shell, [replace(PROBE, script=dead + PROBE.script)], {"root": root, "roots": "\n".join([*names, "/opt"])}
    )
    output = run.sections["software"].output.replace(root.encode(), b"")
    assert list(states(output).values()) == ["hung", "hung", "hung", "skipped", "skipped", "ok"]
    assert [version for _, _, version in found(output)] == ["apr13"]


def test_local_links_are_other_names_and_the_login_may_mean_one(shell: Shell, tree: Tree) -> None:
    root = tree(MOUNTS | {
        "data/fairsoft/jan24p5/bin/geant4-config": 'version="11.2.0"\n',
        "data/fairsoft/nov22/x": "", "opt/x": "", "opt/root-6.30/include/RVersion.h": OLD,
        "etc/profile.d/nica.sh": '# export SIMPATH=/opt/fairsoft/nov22\nexport SIMPATH="/opt/fairsoft/latest"\n',
    })  # fmt: skip
    (Path(root) / "data/fairsoft/latest").symlink_to("jan24p5")
    (Path(root) / "opt/fairsoft").symlink_to("../data/fairsoft")
    (Path(root) / "opt/root").symlink_to("root-6.30")
    (Path(root) / "opt/round").symlink_to("round")
    output = printed(shell, root)
    assert defaults(output) == {
        "/opt/fairsoft/jan24p5": True, "/opt/fairsoft/nov22": False, "/opt/root-6.30": False,
    }  # fmt: skip
    assert [version for _, _, version in found(output)] == ["jan24p5", "nov22", "11.2.0", "6.22.08"]


@pytest.mark.parametrize(
    ("profile", "path"),
    [
        ("export SIMPATH=/opt/fairsoft/apr13/install\n", "/opt/fairsoft/apr13"),
        ("base=/opt; SIMPATH=$base/fairsoft/apr13\n", None),
        ("SIMPATH=/opt/fairsoft/apr13\nROOTSYS=${SIMPATH}/install\n", "/opt/fairsoft/apr13"),
        (". /opt/fairsoft/nov22/bin/thisroot.sh\n", None),
        ("export SIMPATH=`ls -d /opt/fairsoft/* | tail -1`\n", None),
        ("", None),
    ],
)
def test_what_a_login_gets(shell: Shell, tree: Tree, profile: str, path: str | None) -> None:
    files = {"opt/fairsoft/apr13/x": "", "opt/fairsoft/nov22/bin/x": "", "etc/profile.d/nica.sh": profile}
    told = defaults(printed(shell, tree(MOUNTS | files)))
    assert told == {one: None if path is None else one == path for one in told}
    assert set(told) == {"/opt/fairsoft/apr13", "/opt/fairsoft/nov22"}


def test_modulefiles_and_which_of_them_is_the_default(shell: Shell, tree: Tree) -> None:
    root = tree(MOUNTS | {
        "etc/modulefiles/ROOT/6.30.04": "", "etc/modulefiles/ROOT/6.22-08": "",
        "etc/modulefiles/ROOT/.version": '#%Module1.0\nset ModulesVersion "6.22-08"\n',
        "etc/modulefiles/mpddev/v24.09.24-1": "", "etc/modulefiles/mpddev/v25.09.25-1": "",
        "etc/modulefiles/mpddev/.modulerc": "#%Module\nmodule-version mpddev/v25.09.25-1 default\n",
        "etc/modulefiles/zlib/1.2": "", "etc/modulefiles/gcc": "",
        "soft/lmod/Geant4/11.2.0.lua": "", "soft/lmod/Geant4/11.1.3.lua": "",
        "etc/lmod/modulespath": "# ours\n/soft/lmod\t # all\n/etc/modulefiles\n",
        "opt/sw/MODULES/slc7_x86-64/FairRoot/v18.6.9-4": "",
        "etc/profile.d/z.sh": "module load mpddev/v24.09.24-1\n",
    })  # fmt: skip
    (Path(root) / "soft/lmod/Geant4/default").symlink_to("11.1.3.lua")
    output = printed(shell, root, "/opt")
    assert defaults(output) == {
        "/etc/modulefiles/ROOT/6.22-08": True, "/etc/modulefiles/ROOT/6.30.04": False,
        "/etc/modulefiles/mpddev/v24.09.24-1": True, "/etc/modulefiles/mpddev/v25.09.25-1": False,
        "/opt/sw/MODULES/slc7_x86-64/FairRoot/v18.6.9-4": None,
        "/soft/lmod/Geant4/11.1.3.lua": True, "/soft/lmod/Geant4/11.2.0.lua": False,
    }  # fmt: skip
    assert ("ROOT", "/etc/modulefiles/ROOT/6.22-08", "6.22.08") in found(output)
    assert states(output) == {"/etc/modulefiles": "ok", "/opt": "ok", "/soft/lmod": "ok"}


def test_drivers_and_packages_of_dpkg(shell: Shell, tree: Tree) -> None:
    status = (
        "Package: gcc\nStatus: install ok installed\nVersion: 4:12.2.0-3\nDescription: x\n Package: munge\n\n"
        "Package: munge\nStatus: deinstall ok config-files\nVersion: 0.5\n\n"
        "Package: libgcc1\nStatus: install ok installed\nVersion: 1\n\n"
        "Package: slurmd\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 22.05.8-4\n"
    )
    root = tree(MOUNTS | {
        "var/lib/dpkg/status": status, "opt/x": "",
        "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release\n",
        "sys/module/lustre/version": "2.12.9\n", "sys/module/tcp_cubic/version": "2.3\n",
    })  # fmt: skip
    output = printed(shell, root, "/opt")
    assert found(output) == [
        ("gcc", "/var/lib/dpkg", "4:12.2.0-3"),
        ("lustre", "/sys/module/lustre", "2.12.9"),
        ("nvidia", "/sys/module/nvidia", "550.54.14"),
        ("slurmd", "/var/lib/dpkg", "22.05.8-4"),
    ]
    assert states(output)["/var/lib/dpkg"] == "ok"


@pytest.mark.parametrize(
    ("rpm", "state", "packages"),
    [
        (
            "echo 'package sge is not installed'; echo 'rpm rpm 4.8.0-37'; echo 'rpm gcc 4.4.7-11'; exit 1",
            "ok",
            ["gcc"],
        ),
        ("echo 'error: cannot open Packages database' >&2; echo 'package gcc is not installed'; exit 9", "broken", []),
        ("exec sleep 77", "hung", []),
    ],
)
def test_packages_of_rpm_whose_database_may_be_locked(
    shell: Shell, tree: Tree, tmp_path: Path, rpm: str, state: str, packages: list[str]
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/rpm").write_text(f"#!/bin/sh\n{rpm}\n")
    (tmp_path / "bin/rpm").chmod(0o755)
    root = tree(MOUNTS | {"var/lib/rpm/Packages": "", "opt/fairsoft/apr13/x": ""})
    path = f"{tmp_path}/bin:{shell.environment['PATH']}"
    output = printed(Shell(shell.argv, shell.environment | {"PATH": path}), root, "/opt")
    assert states(output) == {"/opt": "ok", "/var/lib/rpm": state}
    assert [package for package, _, _ in found(output)] == ["FairSoft", *packages]
    gaps = [one for one in PROBE.parse(output.decode()) if isinstance(one, Unknown)]
    assert [dict(gap.where) for gap in gaps] == ([] if state == "ok" else [{"root": "/var/lib/rpm"}])


def test_a_root_that_hangs_leaves_its_packages_unknown() -> None:
    parsed = list(PROBE.parse((sampling.folder("software") / "hung.out").read_text()))
    gaps = [one for one in parsed if isinstance(one, Unknown)]
    assert [(gap.record, gap.where) for gap in gaps] == [
        (PROBE.records["software"], (("root", path),)) for path in ("/cvmfs/nica.jinr.ru", "/var/lib/rpm")
    ]


def test_a_line_that_the_script_does_not_print_is_refused() -> None:
    with pytest.raises(ValueError, match="not understood: sh: 1: Syntax error"):
        list(PROBE.parse("root /opt ok\nsh: 1: Syntax error\nend\n"))
