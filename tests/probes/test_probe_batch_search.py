"""The script of the probe batch finds Grid Engine wherever it is, whatever the login sets, under every shell."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from heads import Node, asked, reason
from shells import Shell

import needs
from nicassh.collection.judge import ABSENT

TELLS = 'echo "root=$SGE_ROOT cell=$SGE_CELL port=$SGE_QMASTER_PORT zone=$TZ with $*" >&2; exit 1'


def installed(root: str, cell: str = "default", **files: str) -> dict[str, str]:
    """An installation whose commands tell the settings that they were given."""
    return {
        f"{root}/{cell}/common/act_qmaster": "nc2.jinr.ru\n",
        f"{root}/util/arch": "#!/bin/sh\necho lx-amd64\n",
        f"{root}/bin/lx-amd64/qhost": f"#!/bin/sh\n{TELLS}\n",
        f"{root}/bin/lx-amd64/qstat": f"#!/bin/sh\n{TELLS}\n",
    } | {f"{root}/{cell}/common/{name.replace('_', '.')}": text for name, text in files.items()}


PLACES: dict[str, tuple[str, dict[str, str]]] = {
    "opt": ("/opt/sge-8.1.9", {}),
    "Debian": (
        "/var/lib/gridengine",
        {"etc/default/gridengine": "SGE_START_MASTERD=yes\nSGE_ROOT=/var/lib/gridengine\n"},
    ),
    "Bright": ("/cm/shared/apps/sge/2011.11p1", {}),
    "Rocks": ("/opt/gridengine", {"etc/profile.d/sge-binaries.sh": "export SGE_ROOT=/opt/gridengine;\n"}),
    "master": (
        "/srv/ge",
        {"proc/77/stat": "77 (sge_qmaster) S 1\n", "proc/77/cmdline": "/srv/ge/bin/lx-amd64/sge_qmaster\0"},
    ),
    "execd": (
        "/srv/ge",
        {"proc/8/stat": "8 (sge_execd) S 1\n", "proc/8/cmdline": "/srv/ge/bin/lx24-amd64/sge_execd\0-x\0"},
    ),
    "profile": ("/srv/ge", {"etc/profile.d/sge.sh": "[ -r x ] && . /srv/ge/default/common/settings.sh\n"}),
    "variable": ("/srv/ge", {"etc/profile.d/zz_gridengine.sh": 'SGE_ROOT="/srv/ge"; export SGE_ROOT\n'}),
}


@pytest.mark.parametrize("place", PLACES)
def test_it_is_found_without_any_environment(lone: Shell, node: Node, place: str) -> None:
    if place in ("master", "execd"):
        needs.root("makes files that belong to root")
    root, files = PLACES[place]
    top = node(installed(root.lstrip("/")) | files)
    assert reason(asked(lone, top)) == f"root={top}{root} cell=default port= zone=UTC0 with -q -j -xml"


@pytest.mark.parametrize("folder", [".", "default", "default/common", "bin", "util"])
def test_nobody_can_name_a_process_so_that_we_run_what_he_wrote(lone: Shell, node: Node, folder: str) -> None:
    needs.root("makes files that belong to others")
    root, files = PLACES["execd"]
    top = node(installed(root.lstrip("/")) | files)
    written = Path(f"{top}{root}", folder)
    written.chmod(0o777)
    assert asked(lone, top).sections["batch"].status == ABSENT
    written.chmod(0o755)
    os.chown(written, 1000, 1000)
    assert asked(lone, top).sections["batch"].status == ABSENT
    os.chown(written, 105, 105)
    assert reason(asked(lone, top)).startswith(f"root={top}{root} ")


def test_its_own_settings_count(lone: Shell, node: Node) -> None:
    settings = (
        "echo noise; echo >&2 noise\nSGE_CELL=nica; export SGE_CELL\nSGE_QMASTER_PORT=6555; export SGE_QMASTER_PORT\n"
    )
    top = node(installed("opt/sge", "nica", settings_sh=settings))
    assert reason(asked(lone, top)) == f"root={top}/opt/sge cell=nica port=6555 zone=UTC0 with -q -j -xml"


def test_the_one_in_use_is_taken_and_not_what_an_old_one_left(lone: Shell, node: Node) -> None:
    needs.root("makes files that belong to root")
    running = {"proc/77/stat": "77 (sge_execd) S 1\n", "proc/77/cmdline": "/opt/sge-8/bin/lx-amd64/sge_execd\0"}
    top = node(installed("opt/sge-6.2u5") | installed("opt/sge-8") | running)
    assert reason(asked(lone, top)).startswith(f"root={top}/opt/sge-8 ")
    assert reason(asked(lone, top, SGE_ROOT="/opt/sge-6.2u5")).startswith(f"root={top}/opt/sge-6.2u5 ")


def test_a_settings_file_that_the_shell_cannot_read_leaves_the_rest(lone: Shell, node: Node) -> None:
    top = node(installed("opt/sge-1", settings_sh="if ( then\n") | installed("opt/sge-2"))
    assert reason(asked(lone, top)).startswith(f"root={top}/opt/sge-2 ")


def test_no_grid_engine_is_no_failure(lone: Shell, node: Node) -> None:
    section = asked(lone, node({"opt/sge/README": "", "opt/sge/default/common/act_qmaster": "\n"})).sections["batch"]
    assert (section.status, section.whole, section.output, section.errors) == (ABSENT, True, b"", b"")


def test_a_client_that_nobody_has_set_up_is_no_failure(lone: Shell, node: Node) -> None:
    said = 'error: unable to read qmaster name: qmaster hostname in "/var/lib/gridengine/default/common/act_qmaster"'
    top = node({"bin/qhost": f"#!/bin/sh\necho '{said} has zero length' >&2; exit 1\n"})
    assert asked(lone, top, f"{top}/bin").sections["batch"].status == ABSENT
    assert reason(asked(lone, top, f"{top}/bin", SGE_ROOT="/opt/sge")).startswith("unable to read qmaster name")


def test_a_wrapper_that_needs_no_settings_is_asked(lone: Shell, node: Node) -> None:
    top = node({"bin/qhost": '#!/bin/sh\n[ "$1" = -help ] || { echo refused >&2; exit 1; }\n'})
    assert reason(asked(lone, top, f"{top}/bin")) == "refused"


def test_the_qstat_of_torque_is_not_taken_for_grid_engine(lone: Shell, node: Node) -> None:
    top = node({"bin/qstat": "#!/bin/sh\necho Job id  Name  User\n"})
    assert asked(lone, top, f"{top}/bin").sections["batch"].status == ABSENT


def test_a_folder_that_hangs_is_told_where_grid_engine_is_known_to_be(lone: Shell, node: Node) -> None:
    top = node(installed("opt/sge", settings_sh="sleep 321\n"))
    assert reason(asked(lone, top, SGE_ROOT="/opt/sge")) == "SGE_ROOT did not answer in time"
    section = asked(lone, top).sections["batch"]
    assert (section.status, section.output) == (1, b"")
    assert section.errors.startswith(b"the search for a batch system hung")
