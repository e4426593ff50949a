"""The model of the processors, from /proc/cpuinfo of any architecture."""

from __future__ import annotations

import re
from collections.abc import Sequence

TRADEMARK = re.compile(r"\((?:R|TM|r|tm)\)")
MACHINE = re.compile(r"\bmachine = (\w{1,10})")
NAMES = ("model name", "Model Name", "cpu model", "cpu", "Hardware", "Model")
"""x86 and others; LoongArch; MIPS; POWER and SPARC; ARM: the board, or the machine."""
IMPLEMENTERS = {
    "0x41": "ARM", "0x42": "Broadcom", "0x43": "Cavium", "0x46": "Fujitsu", "0x48": "HiSilicon", "0x4e": "NVIDIA",
    "0x50": "APM", "0x51": "Qualcomm", "0x61": "Apple", "0x6d": "Microsoft", "0x70": "Phytium", "0xc0": "Ampere",
}  # fmt: skip
PARTS = {
    "0x41 0xd03": "Cortex-A53", "0x41 0xd04": "Cortex-A35", "0x41 0xd05": "Cortex-A55", "0x41 0xd07": "Cortex-A57",
    "0x41 0xd08": "Cortex-A72", "0x41 0xd09": "Cortex-A73", "0x41 0xd0a": "Cortex-A75", "0x41 0xd0b": "Cortex-A76",
    "0x41 0xd0c": "Neoverse-N1", "0x41 0xd40": "Neoverse-V1", "0x41 0xd49": "Neoverse-N2", "0x41 0xd4a": "Neoverse-E1",
    "0x41 0xd4f": "Neoverse-V2", "0x41 0xd84": "Neoverse-V3", "0x41 0xd8e": "Neoverse-N3", "0x43 0x0a1": "ThunderX",
    "0x43 0x0af": "ThunderX2", "0x42 0x516": "ThunderX2", "0x46 0x001": "A64FX", "0x48 0xd01": "Kunpeng-920",
    "0x50 0x000": "X-Gene", "0x51 0xc00": "Falkor", "0x70 0x662": "FTC662", "0x70 0x663": "FTC663",
    "0xc0 0xac3": "Ampere-1", "0xc0 0xac4": "Ampere-1A", "0x4e 0x004": "Carmel",
}  # fmt: skip
"""What lscpu(1) calls the parts of implementers."""


def model(lines: Sequence[str]) -> str | None:
    """The first processor's model without trademark signs and runs of blanks; None where nothing tells it."""
    facts: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    named = next((facts[name] for name in NAMES if facts.get(name)), None) or _arm(facts) or _other(facts, lines)
    return " ".join(TRADEMARK.sub(" ", named).split()) if named else None


def _arm(facts: dict[str, str]) -> str | None:
    """`CPU implementer : 0x41` and `CPU part : 0xd0c` are a Neoverse-N1; the numbers where the part is not known."""
    maker, part = facts.get("CPU implementer"), facts.get("CPU part")
    if not maker or not part:
        return facts.get("Processor")  # old kernels: AArch64 Processor rev 1 (aarch64)
    return PARTS.get(f"{maker} {part}") or f"{IMPLEMENTERS.get(maker, maker)} {part}"


def _other(facts: dict[str, str], lines: Sequence[str]) -> str | None:
    """RISC-V by its microarchitecture or instruction set, s390x by vendor and type of the machine."""
    if facts.get("uarch") or facts.get("isa"):
        return facts.get("uarch") or facts["isa"]
    machine = facts.get("machine") or next((match[1] for match in map(MACHINE.search, lines) if match), "")
    return f"{facts['vendor_id']} {machine}".rstrip() if facts.get("vendor_id") else None
