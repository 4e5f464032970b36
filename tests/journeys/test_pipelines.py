"""Pipelines as a user asks for them: what wishes give, and that the Verilog does it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import hgq2rtl
from hgq2rtl.errors import BadOption, ClockTooFast
from hgq2rtl.ir.operations import row

DIGITS = Path(__file__).parents[2] / "examples" / "digits.keras"


def compiled(**options):
    return hgq2rtl.compile(DIGITS, effort="fast", **options)


@pytest.mark.parametrize("clock_ns", [1.0, 1.5, 2.0, 3.0, 5.0])
def test_every_stage_meets_the_clock(clock_ns):
    """Catches a stage beyond its clock, and a report that says otherwise."""
    report = compiled(clock_ns=clock_ns).report
    assert report["clock_ns"] == clock_ns
    assert len(report["stage_ns"]) == report["stages"]
    assert max(report["stage_ns"]) <= clock_ns + 1e-9
    assert min(report["stage_slack_ns"]) >= 0
    assert report["schedule_gap"] == 0
    assert sum(report["stage_register_bits"]) == report["inner_register_bits"]


@pytest.mark.parametrize(
    "options",
    [
        {"clock_ns": 1.5},
        {"clock_ns": 3.0, "uncertainty_ns": 0.3, "clock_enable": True, "valid": True},
        {"latency_ns": 20.0, "control_sets": 3},
        {"stages": 9, "clock_ns": 5.0, "shift_registers": 3, "clock_enable": True},
        {"clock_ns": 2.0, "primitives": False, "input_register": False},
    ],
    ids=str,
)
def test_the_verilog_has_the_latency_that_is_reported(options):
    """The bench reads the outputs in the cycle that ``ports.json`` names: catches any other."""
    design = compiled(**options)
    assert str(design.check(samples=300)).startswith("bit-exact")
    if "latency_ns" in options:
        assert design.latency.ns <= options["latency_ns"]
        assert design.schedule.control_sets <= options["control_sets"]


def test_uncertainty_reaches_the_constraints(tmp_path):
    """Of set-up alone: hold has no period to lose."""
    design = compiled(clock_ns=3.0, uncertainty_ns=0.25)
    assert max(design.schedule.stage_ns) <= 2.75 + 1e-9
    folder = design.write(tmp_path / "out")
    (xdc,) = (folder / "synth").glob("*.xdc")
    assert "set_clock_uncertainty -setup 0.25 [get_clocks clk]" in xdc.read_text()


def test_shift_registers_are_counted_apart():
    """Catches bits that are counted twice, or in neither."""
    plain = compiled(stages=12, clock_ns=5.0)
    shifted = compiled(stages=12, clock_ns=5.0, shift_registers=2)
    assert shifted.report["shift_register_bits"] > 0
    assert plain.report["shift_register_bits"] == 0
    assert plain.report["register_bits"] == (
        shifted.report["register_bits"] + shifted.report["shift_register_bits"]
    )


def test_rows_of_three_can_be_left_out():
    """Catches an option that is dropped."""
    design = compiled(rows_of_three=False)
    program = design.program
    assert all(
        sum(not program.is_constant(o) for o in program.operands_of(v)) < 3
        for v in program.values_of(row).tolist()
    )


def test_a_pipeline_of_the_command_line(hgq2rtl_command, tmp_path):
    """Catches an option of Python that the command lacks."""
    done = hgq2rtl_command(
        *("compile", DIGITS, "-o", "out", "--effort", "fast", "--clock-ns", "2.5"),
        *("--uncertainty", "0.1", "--stages", "12", "--control-sets", "5"),
        *("--shift-registers", "4", "--no-rebuild", "--json"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["stages"], report["clock_ns"], report["uncertainty_ns"]) == (12, 2.5, 0.1)
    assert report["control_sets"] <= 5


def test_a_wish_that_cannot_be_met_says_what_can():
    """Catches advice that is refused in turn."""
    with pytest.raises(ClockTooFast, match=r"alone takes [\d.]+ ns .* Ask for a clock of"):
        compiled(clock_ns=0.4)
    with pytest.raises(BadOption, match="no pipeline is that short") as refusal:
        compiled(latency_ns=3.0)
    least = float(str(refusal.value).split("short, ")[1].split(" ns")[0])
    assert compiled(latency_ns=least).latency.ns <= least
