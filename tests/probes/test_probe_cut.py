"""An output that was cut, at whatever byte, is an error and never rows: every sample of every probe."""

from __future__ import annotations

import pytest
import sampling
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nicassh.probes import loader as probe


@pytest.mark.parametrize(("name", "system"), sampling.samples())
@settings(deadline=None, max_examples=200)
@given(share=st.floats(0, 1, exclude_max=True), near=st.integers(-8, 0))
@example(share=0.0, near=0)
@example(share=1.0, near=-1)
@example(share=1.0, near=-len("end\n"))
@example(share=1.0, near=-len("\nend\n"))
def test_a_cut_output_is_an_error(name: str, system: str, share: float, near: int) -> None:
    """Whole, the same output gives rows: test_probe_samples."""
    output = (sampling.folder(name) / f"{system}.out").read_bytes()
    place = min(max(0, round(share * len(output)) + near), len(output) - 1)
    with pytest.raises(ValueError, match="cut"):
        probe.read(sampling.probes()[name], output[:place])
