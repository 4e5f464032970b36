"""The cocotb bench: written into a folder, run there alone, and right about what is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from hgq2rtl import errors
from hgq2rtl.sim import run_cocotb, write_cocotb_bench

QUICK = "icarus" if shutil.which("iverilog") else "verilator"
"""The simulator for cores that fail: Icarus builds in a fraction of a second."""


def run(design, folder, simulator=QUICK, samples=200):
    rtl = design.write(folder / "rtl")
    write_cocotb_bench(folder, design.ports, *design.vectors(samples))
    return run_cocotb(folder, rtl, folder / "build", simulator)


def mismatch(design, folder, **options):
    with pytest.raises(errors.Mismatch) as caught:
        run(design, folder, **options)
    return str(caught.value)


@pytest.mark.parametrize("name", ["full", "plain", "combinational"])
def test_right_cores_pass(name, request, tmp_path):
    design = request.getfixturevalue(name)
    result = run(design, tmp_path)
    assert result.samples == 200
    assert result.latency_cycles == design.ports["latency_cycles"]
    assert result.tests == (3 if name == "full" else 1)


def test_verilator_runs_the_folder_alone(full, tmp_path):
    """As a user does, where hgq2rtl cannot be imported; then one bit is wrong."""
    design = full.broken("w <= z1[10:5];", "w <= z1[10:5] ^ `FLIP;")
    design.write(tmp_path / "rtl")
    (tmp_path / "rtl" / "a.v").write_text("`define FLIP 6'd0\n")
    script = write_cocotb_bench(tmp_path, full.ports, *full.vectors(200))
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "sitecustomize.py").write_text(
        "import sys\nsys.modules['hgq2rtl'] = None\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "alone")}

    def alone():
        return subprocess.run(
            [sys.executable, script], env=environment, capture_output=True, text=True, check=False
        )

    done = alone()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == (
        "bit-exact: 200 samples, 0 mismatches, latency 2 cycles (verilator)"
    )
    (tmp_path / "rtl" / "a.v").write_text("`define FLIP 6'd1\n")
    done = alone()
    assert done.returncode == 1
    assert "Mismatch: core: 200 of 200 samples differ, first sample 0: " in done.stderr


def test_a_broken_netlist_is_named_by_sample_and_element(plain, tmp_path):
    broken = plain.broken("a + 8'd3", "(a == 8'd0 ? 8'd7 : a + 8'd3)")
    inputs, _ = plain.vectors(500)
    first = inputs[0][:, 0].tolist().index(0)
    count = (inputs[0] == 0).sum()
    assert mismatch(broken, tmp_path, samples=500) == (
        f"plain: {count} of 500 samples differ, first sample {first}: "
        "element [0] of y (y[3:0]): expected 3 (0.75), got 7 (1.75)."
    )


@pytest.mark.parametrize("declared", [1, 5])
def test_results_measure_the_latency(plain, tmp_path, declared):
    assert mismatch(plain.with_ports(latency_cycles=declared), tmp_path) == (
        f"plain: results arrive after 3 cycles (ports.json says latency_cycles = {declared})."
    )


@pytest.mark.parametrize("declared", [1, 5])
def test_valid_measures_the_latency(full, tmp_path, declared):
    assert mismatch(full.with_ports(latency_cycles=declared), tmp_path) == (
        f"core: results arrive after 2 cycles (ports.json says latency_cycles = {declared})."
    )


def test_a_valid_that_never_rises(full, tmp_path):
    broken = full.broken("out_ok <= ok1;", "out_ok <= 1'b0;")
    assert mismatch(broken, tmp_path) == (
        "core: results never arrive (ports.json says latency_cycles = 2)."
    )


def test_a_register_that_ignores_enable(full, tmp_path):
    broken = full.broken(
        "    w <= z1[10:5];\n  end", "  end\n  always @(posedge clk) w <= z1[10:5];"
    )
    assert mismatch(broken, tmp_path).startswith("core: with random pauses, sample ")


def test_a_reset_that_misses_a_register(full, tmp_path):
    broken = full.broken(
        "ok1 <= 1'b0; out_ok <= 1'b0; end\n    else", "out_ok <= 1'b0; end\n    else"
    )
    assert mismatch(broken, tmp_path) == (
        "core: valid_out is 1 in cycle 1 after a reset, must be 0."
    )


@pytest.mark.skipif(QUICK != "icarus", reason="only Icarus knows unknown bits")
def test_unknown_bits_are_named(plain, tmp_path):
    broken = plain.broken("reg [7:0] a, b, c;", "reg [7:0] a, b, c; reg never;")
    broken = broken.broken("c <= b;", "c <= {b[7:1], never};")
    assert mismatch(broken, tmp_path).startswith(
        "plain: 200 of 200 samples differ, first sample 0: y has unknown bits: "
    )


@pytest.mark.parametrize("simulator", sorted({QUICK, "verilator"}))
def test_verilog_that_does_not_compile_is_named_with_the_log(plain, tmp_path, simulator):
    with pytest.raises(errors.ToolFailed) as caught:
        run(plain.broken("assign y =", "assign y = ="), tmp_path, simulator)
    log = tmp_path / "build" / "build.log"
    assert str(caught.value).startswith(
        f"{simulator} could not build the bench. The end of {log}:\n"
    )
    assert "syntax error" in str(caught.value)


def test_a_missing_port_is_no_mismatch(plain, tmp_path):
    with pytest.raises(
        errors.ToolFailed, match=r"bench.py could not run: 'plain contains no .* y'. More in .*"
    ):
        run(
            plain.broken("output [7:0] y", "output [7:0] q").broken("assign y", "assign q"),
            tmp_path,
            QUICK,
        )


def test_a_missing_simulator_is_named(plain, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.MissingTool, match="Icarus Verilog"):
        run(plain, tmp_path, "icarus")
    with pytest.raises(errors.MissingTool, match=r"No C\+\+ compiler .* GNU make is not on PATH"):
        run(plain, tmp_path, "verilator")


def test_a_bench_needs_samples(plain, tmp_path):
    with pytest.raises(ValueError, match="a bench needs samples"):
        inputs, expected = plain.vectors(1)
        write_cocotb_bench(tmp_path, plain.ports, [inputs[0][:0]], [expected[0][:0]])
