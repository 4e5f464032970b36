"""The C++ bench: right cores pass, wrong ones are named, whatever the port."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from hgq2rtl import errors
from hgq2rtl.sim import Probe, build, compare, load_ports, unpack


def bench_of(design, folder, **options):
    return build(design.write(folder / "rtl"), design.ports, folder / "build", **options)


def same(a, b):
    return all((x == y).all() for x, y in zip(a, b, strict=True))


def mismatch(action):
    with pytest.raises(errors.Mismatch) as caught:
        action()
    return str(caught.value)


def test_wide_and_signed_ports_with_enable_valid_and_reset(full, tmp_path, cache):
    bench = bench_of(full, tmp_path)
    inputs, expected = full.vectors()
    bench.check(inputs, expected)
    for seed in range(5):
        bench.check(inputs, expected, stalls_seed=seed)
    assert bench.samples_per_second(inputs, repeats=10) > 0
    assert [a.shape for a in bench.run([a[:0] for a in inputs])] == [(0, 3), (0, 1)]
    # Nothing changed: nothing is built, and the library waits for the next core.
    assert bench.build_seconds > 0
    assert bench_of(full, tmp_path).build_seconds == 0
    assert len(list(cache.rglob("verilated*.o"))) == 2


def test_every_type_of_bus_without_a_clock(combinational, tmp_path):
    inputs, expected = combinational.vectors()
    bench_of(combinational, tmp_path).check(inputs, expected)


def test_a_broken_netlist_is_named_by_sample_and_element(full, tmp_path):
    broken = full.broken("w <= z1[10:5];", "w <= z1[10:5] ^ (x1[3:0] == 4'd9);")
    inputs, expected = full.vectors()
    x = unpack(load_ports(full.ports).inputs[0], inputs[0])[:, 0].tolist()
    wrong = [n for n, value in enumerate(x) if value % 16 == 9]
    w = expected[1][wrong[0], 0].astype(np.int8).item()
    w = w - 64 if w > 31 else w
    bench = bench_of(broken, tmp_path)
    assert mismatch(lambda: bench.check(inputs, expected)) == (
        f"core: {len(wrong)} of 500 samples differ, first sample {wrong[0]}: "
        f"element [0] of w (w[5:0]): expected {w} ({w / 4:g}), got {w ^ 1} ({(w ^ 1) / 4:g})."
    )


def test_probes_give_what_a_signal_holds_for_each_sample(full, tmp_path):
    probes = [
        Probe("total", 71, 1),
        Probe("layer.b", 5, 1),
        Probe("layer.extended", 71, 1),
        Probe("x1", 70, 1),
        Probe("seven", 4, 0),
        Probe("x", 70, 0),
        Probe("y", 71, 2),
    ]
    bench = bench_of(full, tmp_path, probes=probes)
    inputs, expected = full.vectors()
    outputs, (total, b, extended, x1, seven, x, y) = bench.trace(inputs)
    assert same(outputs, expected)
    assert same([total, y, x, x1], [expected[0], expected[0], inputs[0], inputs[0]])
    assert (b == inputs[1] & 31).all()
    negative = b[:, 0] > 15
    assert (extended[:, 2] == np.where(negative, 0x7F, 0)).all()
    assert (seven == 7).all()


def test_a_probe_that_is_not_there_is_named(full, tmp_path):
    with pytest.raises(errors.ToolFailed, match="nowhere"):
        bench_of(full, tmp_path, probes=[Probe("layer.nowhere", 3, 0)])


def test_a_probe_of_another_width_is_named(full, tmp_path):
    with pytest.raises(errors.ToolFailed, match="'x1' generates 70 bits"):
        bench_of(full, tmp_path, probes=[Probe("x1", 69, 0)])
    with pytest.raises(ValueError, match="one bit and no delay are the least"):
        Probe("x1", 0, 0)


def test_valid_measures_the_latency(full, tmp_path):
    inputs, expected = full.vectors()
    for declared in (1, 4):
        bench = bench_of(full.with_ports(latency_cycles=declared), tmp_path / str(declared))
        assert mismatch(lambda bench=bench: bench.check(inputs, expected)) == (
            f"core: results arrive after 2 cycles (ports.json says latency_cycles = {declared})."
        )


def test_results_measure_the_latency_where_there_is_no_valid(plain, tmp_path):
    inputs, expected = plain.vectors()
    bench = bench_of(plain.with_ports(latency_cycles=5), tmp_path)
    assert mismatch(lambda: bench.check(inputs, expected)) == (
        "plain: results arrive after 3 cycles (ports.json says latency_cycles = 5)."
    )


def test_a_valid_that_never_rises(full, tmp_path):
    bench = bench_of(full.broken("out_ok <= ok1;", "out_ok <= 1'b0;"), tmp_path)
    inputs, _ = full.vectors()
    assert mismatch(lambda: bench.run(inputs)) == (
        "core: results never arrive: valid_out stays 0 for 74 cycles "
        "(ports.json says latency_cycles = 2)."
    )


@pytest.mark.parametrize(
    "old, new, cycle",
    [
        ("if (rst) begin ok1 <= 1'b0;", "if (rst) begin ok1 <= 1'b1;", 1),
        # Without initial value and reset, registers start at 1.
        ("initial begin ok1 = 1'b0; out_ok = 1'b0; end", "wire rst = 1'b0;", 0),
    ],
)
def test_a_valid_that_does_not_start_at_zero(full, tmp_path, old, new, cycle):
    core = full.broken(old, new)
    if "wire rst" in new:
        core = core.broken("input rst", "input reset")
        core = core.with_ports(reset="reset")
    bench = bench_of(core, tmp_path)
    inputs, _ = full.vectors()
    assert mismatch(lambda: bench.run(inputs)) == (
        f"core: valid_out is 1 in cycle {cycle}, before the first sample "
        "(ports.json says latency_cycles = 2)."
    )


def test_a_register_that_ignores_enable(full, tmp_path):
    broken = full.broken(
        "    w <= z1[10:5];\n  end", "  end\n  always @(posedge clk) w <= z1[10:5];"
    )
    bench = bench_of(broken, tmp_path)
    inputs, expected = full.vectors()
    bench.check(inputs, expected)
    message = mismatch(lambda: bench.check(inputs, expected, stalls_seed=0))
    assert message.startswith("core: ")


@pytest.mark.parametrize(
    "old, new, complaint",
    [
        ("endmodule\nmodule core", "endmodule\nmodule core_", "core"),
        ("output reg [5:0] w", "output reg [6:0] w", "WIDTH"),
        ("input [10:0] z", "input [9:0] z", "WIDTH"),
        ("output reg [5:0] w", "output reg [5:0] ww", "w"),
        ("assign sum =", "assign sum = =", "syntax error"),
    ],
)
def test_verilog_that_does_not_fit_is_named_with_the_log(full, tmp_path, old, new, complaint):
    with pytest.raises(errors.ToolFailed) as caught:
        bench_of(full.broken(old, new), tmp_path)
    message = str(caught.value)
    log = tmp_path / "build" / "plain" / "build.log"
    assert message.startswith(
        f"verilator could not build the bench (exit code 1). The end of {log}:\n"
    )
    assert complaint in message and log.is_file()
    assert len(message.splitlines()) <= 21


def test_missing_verilog_is_named(full, tmp_path):
    with pytest.raises(errors.BadInput, match=r"nothing\.v cannot be read: No such file"):
        build([tmp_path / "nothing.v"], full.ports, tmp_path / "build")


def test_folders_and_files_with_spaces(plain, tmp_path):
    folder = tmp_path / "my design"
    bench = build(plain.write(folder / "the rtl"), plain.ports, folder / "build")
    bench.check(*plain.vectors())


def test_a_machine_without_perl_and_python(plain, tmp_path, monkeypatch):
    programs = tmp_path / "programs"
    programs.mkdir()
    for folder in ("/bin", "/usr/bin"):
        for program in Path(folder).iterdir():
            if not program.name.startswith(("perl", "python", "verilator")):
                link = programs / program.name
                if not link.is_symlink():
                    link.symlink_to(program)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("MAKEFLAGS", " -j8 --jobserver-auth=3,4")  # as under an outer make
    bench_of(plain, tmp_path).check(*plain.vectors())
    assert not any(name.startswith("perl") for name in os.listdir(programs))


def test_probes_and_pauses_exclude_each_other(full, tmp_path):
    bench = bench_of(full, tmp_path)
    traced = type(bench)(bench.ports, (Probe("x1", 70, 1),), bench.executable, 0.0)
    with pytest.raises(ValueError, match="every cycle brings a sample"):
        traced.run(full.vectors()[0], stalls_seed=1)


def test_a_late_difference_is_not_taken_for_a_latency(plain):
    inputs, expected = plain.vectors(400)
    got = [expected[0].copy()]
    got[0][300] ^= 1
    ports = load_ports(plain.ports)
    assert mismatch(lambda: compare(ports, expected, got)).startswith(
        "plain: 1 of 400 samples differ, first sample 300: element [0] of y (y[3:0]): expected "
    )
    compare(ports, expected, expected)
