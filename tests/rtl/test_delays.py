"""Long delays are instances of one module; short ones stay registers by name."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, sets

import hgq2rtl
from hgq2rtl.ir import LayerName
from hgq2rtl.rtl import emit
from hgq2rtl.rtl.delays import LONGEST_ROW, places
from hgq2rtl.schedule import ScheduleWish, schedule
from hgq2rtl.targets import target_for


def chain(x, y, late):
    """`late` comes in long after the others have been worked on."""
    for _ in range(30):
        x = hgq2rtl.quantize(x * y + 1, 1, 5, 2)
    return {"early": late * 3, "late": x + late, "middle": x - late - y}


@settings(derandomize=True, deadline=None)
@given(read=sets(integers(0, 200), max_size=6), longest=integers(1, 20), first=integers(0, 1))
def test_places_lead_to_all_that_is_read(read, longest, first):
    """Catches a register that is read and never made."""
    read = {cycle for cycle in read if cycle >= first}
    made = places(first, read, longest)
    assert made[0] == first and list(made) == sorted(set(made))
    assert read <= set(made) and made[-1] == max(read, default=first)
    steps = [after - before for before, after in pairwise(made)]
    assert all(step == 1 or step > longest for step in steps)
    assert len(made) <= (len(read) + 1) * longest + 1


def test_a_long_delay_is_one_instance():
    """Catches a module for each register, and one that is not emitted."""
    design = hgq2rtl.trace(chain, ["1,5,2"] * 3, clock_ns=4, top="held")
    assert design.schedule.registers.max() > LONGEST_ROW
    assert "held__long__delay.v" in design.rtl.files
    text = "".join(design.rtl.files.values())
    assert 1 <= text.count("held__long__delay #(") <= 12
    short = hgq2rtl.trace(lambda x: x + 1, ["1,5,2"])
    assert not any("delay" in name for name in short.rtl.files)


def test_a_layer_may_be_called_delay():
    """Catches a layer whose module the delay takes the place of."""
    program = hgq2rtl.trace(chain, ["1,5,2"] * 3, clock_ns=4).program
    named = replace(program, layers=[LayerName("delay", "QDense")], layer=program.layer * 0)
    rtl = emit(schedule(named, target_for(), ScheduleWish(clock_ns=4)), "core")
    assert list(rtl.files) == ["core.v", "core__delay.v", "core__long__delay.v"]


@pytest.mark.parametrize("options", [{}, {"clock_enable": True, "valid": True}])
def test_a_long_delay_is_exact_in_verilog(options, tmp_path):
    """Catches a delay that is one cycle off, or goes on when the core is paused."""
    design = hgq2rtl.trace(chain, ["1,5,2"] * 3, clock_ns=4, **options)
    x = np.random.default_rng(0).integers(-128, 128, (3, 400)) / 4
    assert design.check(list(x)).mismatches == 0
    folder = design.write(tmp_path / "out")
    assert hgq2rtl.load(folder).check(list(x)).mismatches == 0


def test_a_broken_delay_is_found(monkeypatch):
    """Catches a check that passes whatever the delay does."""
    from hgq2rtl.errors import Mismatch
    from hgq2rtl.rtl import delays

    broken = delays._TEXT.replace("if (en) line", "if (en & d[0]) line")
    assert broken != delays._TEXT
    monkeypatch.setattr(delays, "_TEXT", broken)
    design = hgq2rtl.trace(chain, ["1,5,2"] * 3, clock_ns=4)
    with pytest.raises(Mismatch):
        design.check(samples=200)
