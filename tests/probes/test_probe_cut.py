"""An output that was cut, at whatever byte, is an error and never rows: every sample of the probes that promise it."""

from __future__ import annotations

import pytest
import sampling
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nicassh import probe

PROBES = ("gpus", "mounts", "processes", "services")
"""Probes whose output has an end of its own, which `parse` misses."""


@pytest.mark.parametrize(("name", "system"), [one for one in sampling.samples() if one[0] in PROBES])
@settings(deadline=None, max_examples=200)
@given(share=st.floats(0, 1, exclude_max=True), near=st.integers(-8, 0))
@example(share=0.0, near=0)
@example(share=1.0, near=-1)
@example(share=1.0, near=-len("\nend\n"))
def test_a_cut_output_is_an_error(name: str, system: str, share: float, near: int) -> None:
    """Whole, the same output gives rows: test_probe_samples."""
    output = (sampling.folder(name) / f"{system}.out").read_bytes()
    place = min(max(0, round(share * len(output)) + near), len(output) - 1)
    with pytest.raises(Exception):  # noqa: B017 any error makes the outcome unreadable
        probe.read(sampling.probes()[name], output[:place])


@pytest.mark.parametrize("name", PROBES)
def test_there_is_something_to_cut(name: str) -> None:
    assert name in {one for one, _ in sampling.samples()}
