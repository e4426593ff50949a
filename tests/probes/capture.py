"""Makes a real sample of a probe: runs its script in the bundle's frame, as on a node, and keeps what it printed.

    python tests/probes/capture.py load debian
    python tests/probes/capture.py memory busybox -- chroot FOLDER ash -s
    python tests/probes/capture.py processes debian -- nsenter --target PID --all sh -s

Writes probes/PROBE/samples/SYSTEM.out and SYSTEM.json. The command after `--` is the shell that reads the
bundle, `sh -s` where there is none; with it a script runs inside a container or, through ssh, on another
machine. Read both files before you commit them: is every row what the system really was, and does no
name of a person, a machine or a command line stand in them that should not be public?

`--reread` writes only the .json of an existing .out anew, after a parser was changed on purpose.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

import sampling

from nicassh.collection import bundle
from nicassh.collection.run import probe_parameters
from nicassh.config.settings import Config


def main() -> int:
    """Captures one sample; the exit status is that of the probe."""
    arguments, shell = _arguments()
    one = sampling.probes()[arguments.probe]
    place = sampling.folder(one.name) / arguments.system
    place.parent.mkdir(exist_ok=True)
    if not arguments.reread:
        mark = bundle.new_mark()
        script = bundle.with_mark(
            bundle.build_script([one], 60, probe_parameters(Config()) | dict(arguments.parameters)), mark
        )
        done = subprocess.run(shell, input=script, capture_output=True, start_new_session=True, check=False)
        section = bundle.parse_output(done.stdout, done.stderr, mark, [one]).get(one.name)
        if section is None or not section.whole or section.status:
            sys.stderr.buffer.write(done.stderr)
            return (section and section.status) or 1
        place.with_suffix(".out").write_bytes(section.output)
    output = place.with_suffix(".out").read_bytes()
    place.with_suffix(".json").write_text(sampling.text(sampling.rows(one.name, output)), encoding="utf-8")
    return 0


def _arguments() -> tuple[argparse.Namespace, list[str]]:
    words = sys.argv[1:]
    shell = words[words.index("--") + 1 :] if "--" in words else ["sh", "-s"]
    parser = argparse.ArgumentParser(description="Make a sample of a probe.")
    parser.add_argument("probe", choices=sampling.probes())
    parser.add_argument("system", help="name of the sample: debian, el9, …")
    parser.add_argument("--set", dest="parameters", metavar="NAME=VALUE", action="append", default=[], type=_pair)
    parser.add_argument("--reread", action="store_true", help="write the .json of an existing .out anew")
    return parser.parse_args(words[: words.index("--")] if "--" in words else words), shell


def _pair(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
