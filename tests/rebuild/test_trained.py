"""A trained network at clocks of one to three adders."""

from __future__ import annotations

import numpy as np
import pytest

import hgq2rtl
from hgq2rtl.analyses import areas
from hgq2rtl.errors import BadOption
from hgq2rtl.targets import target_for


def luts(design) -> int:
    return sum(area.luts for area in areas(design.program, target_for()))


@pytest.mark.parametrize("clock_ns", [1.5, 2.0, 3.0])
def test_a_trained_network_saves_more_stages_than_luts(shared_models, clock_ns):
    """Catches sums that cost more than they save, or compute something else."""
    path = shared_models / "hgq2" / "jsc_openml" / "ebops530.keras"
    plain = hgq2rtl.compile(path, clock_ns=clock_ns, rebuild=False)
    made = hgq2rtl.compile(path, clock_ns=clock_ns)
    before, after = plain.schedule.stages, made.schedule.stages
    assert after <= before
    assert min(made.schedule.slack_ns) > -1e-6
    if after == before:
        assert luts(made) == luts(plain)
    assert luts(made) * after <= luts(plain) * before
    x = np.random.default_rng(3).normal(size=(500, 16)) * 3
    assert np.array_equal(made.predict(x), plain.predict(x))


def test_stages_that_were_too_few_can_be_had(shared_models):
    """Catches a rebuilding that is never taken, or taken where the stages are enough."""
    path = shared_models / "hgq2" / "jsc_openml" / "ebops2571.keras"
    plain = hgq2rtl.compile(path, clock_ns=2.0, rebuild=False)
    stages = plain.schedule.stages
    with pytest.raises(BadOption, match=f"it takes {stages} stages"):
        hgq2rtl.compile(path, clock_ns=2.0, stages=stages - 1, rebuild=False)
    fewer = hgq2rtl.compile(path, clock_ns=2.0, stages=stages - 1)
    assert fewer.schedule.stages == stages - 1
    enough = hgq2rtl.compile(path, clock_ns=2.0, stages=stages)
    assert luts(enough) == luts(plain)
