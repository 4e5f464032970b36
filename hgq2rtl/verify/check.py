"""Interpreter against Verilog, and the name of the first layer that differs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import hgq2rtl.sim as sim

from ..bundle import ports_json
from ..errors import BadOption, Mismatch
from ..ir import Program
from ..ir.interpreter import Interpreter
from ..ir.operations import const, output
from ..rtl import Rtl
from ..schedule import Schedule

BENCHES = ("cpp", "cocotb")
_CONTEXT = 8
"""Samples before and after a failing one that are replayed with it."""
_PAUSED_SAMPLES = 4096
"""Samples that a core with enable or valid must pass with random pauses too."""
_LATENCY_SAMPLES = 256
"""Samples that must agree on another latency before it is blamed."""


@dataclass(frozen=True)
class CheckResult:
    """A check that passed."""

    samples: int
    bench: str
    rungs: tuple[str, ...] = ("interpreter", "Verilator")
    mismatches: int = 0

    def __str__(self) -> str:
        return (
            f"bit-exact: {self.samples} samples, {self.mismatches} mismatches "
            f"({' = '.join(self.rungs)})"
        )


def simulate(
    schedule: Schedule, rtl: Rtl, mantissas: Sequence[np.ndarray], build_dir: Path
) -> list[np.ndarray]:
    """Output mantissas (samples, fields) per port, from Verilator."""
    bench = _build(schedule, rtl, build_dir)
    ports = bench.ports
    words = bench.run(sim.pack_ports(ports.inputs, mantissas))
    return sim.unpack_ports(ports.outputs, words)


def _build(
    schedule: Schedule, rtl: Rtl, build_dir: Path, probes: Sequence[sim.Probe] = ()
) -> sim.Bench:
    """The fast bench around this core; an unchanged one is not built again."""
    ports = sim.load_ports(ports_json(rtl, schedule))
    with _rtl_files(rtl) as files:
        return sim.build(files.paths, ports, build_dir, probes=probes)


def check_verilog(
    schedule: Schedule,
    rtl: Rtl,
    mantissas: Sequence[np.ndarray],
    build_dir: Path,
    bench: str = "cpp",
) -> CheckResult:
    """Compare interpreter and Verilog on every bit of every output.

    Raises
    ------
    Mismatch
        Naming layer and sample.
    BadOption
        For an unknown bench, or if there is no sample.
    """
    samples = len(mantissas[0]) if mantissas else 0
    if samples == 0:
        raise BadOption("a check needs at least one sample")
    expected = Interpreter(schedule.program).run(mantissas)
    if bench == "cpp":
        _compare(schedule, rtl, mantissas, expected, build_dir)
    elif bench == "cocotb":
        _run_cocotb(schedule, rtl, mantissas, expected, build_dir)
    else:
        raise BadOption(f"there is no bench {bench!r}: choose from {', '.join(BENCHES)}")
    return CheckResult(samples, bench)


def _compare(
    schedule: Schedule,
    rtl: Rtl,
    mantissas: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    build_dir: Path,
) -> None:
    got = simulate(schedule, rtl, mantissas, build_dir)
    wrong = _wrong_samples(expected, got)
    if not wrong.any():
        _check_pauses(rtl, schedule, mantissas, expected, build_dir)
        return
    measured = _other_latency(schedule, expected, got)
    if measured is not None:
        raise Mismatch(sim.ports.latency_message(rtl.top, measured, schedule.latency_cycles))
    sample = int(np.flatnonzero(wrong)[0])
    raise Mismatch(
        f"{int(wrong.sum())} of {len(wrong)} samples differ between interpreter and Verilog. "
        f"{_first_layer(schedule, rtl, mantissas, sample, build_dir)} "
        f"{_first_output(schedule, expected, got, sample)}"
    )


def _check_pauses(
    rtl: Rtl,
    schedule: Schedule,
    mantissas: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    build_dir: Path,
) -> None:
    """The first samples again with random pauses, where the core has enable or valid."""
    if not (rtl.options.has_enable or rtl.options.has_valid):
        return
    bench = _build(schedule, rtl, build_dir)
    ports = bench.ports
    some = [each[:_PAUSED_SAMPLES] for each in mantissas]
    right = [each[:_PAUSED_SAMPLES] for each in expected]
    bench.check(
        sim.pack_ports(ports.inputs, some), sim.pack_ports(ports.outputs, right), stalls_seed=1
    )


def _wrong_samples(expected: Sequence[np.ndarray], got: Sequence[np.ndarray]) -> np.ndarray:
    """bool (samples,)."""
    return np.logical_or.reduce([(a != b).any(axis=1) for a, b in zip(expected, got, strict=True)])


def _other_latency(
    schedule: Schedule, expected: Sequence[np.ndarray], got: Sequence[np.ndarray]
) -> int | None:
    """The latency at which the outputs would be right, if there is one."""
    seen, right = (
        [tuple(row) for row in np.concatenate(each, axis=1)[:_LATENCY_SAMPLES].tolist()]
        for each in (got, expected)
    )
    return sim.ports.other_latency(seen, right, schedule.latency_cycles)


def _run_cocotb(
    schedule: Schedule,
    rtl: Rtl,
    mantissas: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    build_dir: Path,
) -> None:
    ports = sim.load_ports(ports_json(rtl, schedule))
    with tempfile.TemporaryDirectory(prefix="hgq2rtl-") as folder, _rtl_files(rtl) as files:
        sim.write_cocotb_bench(
            folder,
            ports,
            sim.pack_ports(ports.inputs, mantissas),
            sim.pack_ports(ports.outputs, expected),
        )
        try:
            sim.run_cocotb(folder, files.paths, build_dir / "cocotb")
        except Mismatch as found:
            got = simulate(schedule, rtl, mantissas, build_dir)
            wrong = np.flatnonzero(_wrong_samples(expected, got))
            if not wrong.size or _other_latency(schedule, expected, got) is not None:
                raise
            layer = _first_layer(schedule, rtl, mantissas, int(wrong[0]), build_dir)
            raise Mismatch(f"{found} {layer}") from None


class _rtl_files:
    """The Verilog as files for as long as a build needs them."""

    def __init__(self, rtl: Rtl):
        self.rtl = rtl

    def __enter__(self) -> _rtl_files:
        self._folder = tempfile.TemporaryDirectory(prefix="hgq2rtl-rtl-")
        self.paths = [Path(self._folder.name, name) for name in self.rtl.files]
        for path, text in zip(self.paths, self.rtl.files.values(), strict=True):
            path.write_text(text)
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


# -- naming the layer -----------------------------------------------------------


def _first_output(
    schedule: Schedule, expected: Sequence[np.ndarray], got: Sequence[np.ndarray], sample: int
) -> str:
    for port, a, b in zip(schedule.program.outputs, expected, got, strict=True):
        for n in np.flatnonzero(a[sample] != b[sample]).tolist():
            return (
                f"At the output: {port.name}[{n}] of sample {sample} should be {a[sample][n]} "
                f"and is {b[sample][n]} (integers)."
            )
    return ""


def _first_layer(
    schedule: Schedule, rtl: Rtl, mantissas: Sequence[np.ndarray], sample: int, build_dir: Path
) -> str:
    """The first layer, in the way of the data, whose values differ at `sample`."""
    program = schedule.program
    watched = _layer_results(schedule, rtl)
    first = max(0, sample - _CONTEXT)
    # Later samples follow: a register too few shows in what comes too early.
    window = [each[first : sample + 1 + _CONTEXT] for each in mantissas]
    widths = program.widths()
    signals = [(v, name, n) for v in watched for n, name in _copies(rtl, v)]
    probes = [
        sim.Probe(_path(program, rtl, v, name), int(widths[v]), _delay(schedule, v) + n)
        for v, name, n in signals
    ]
    bench = _build(schedule, rtl, build_dir, probes)
    _, traced = bench.trace(sim.pack_ports(bench.ports.inputs, window))
    right = Interpreter(program).values(window, watched)[sample - first]
    wanted = dict(zip(watched, right.tolist(), strict=True))
    for (v, name, _), words in zip(signals, traced, strict=True):
        value = _number(words[sample - first], int(widths[v]), program.interval(v)[0] < 0)
        if value != wanted[v]:
            layer = program.layers[program.layer[v]]
            return (
                f"The first layer that differs is {layer.name} ({layer.class_name}), sample "
                f"{sample}: {name} should be {wanted[v]} and is {value}."
            )
    return f"No layer's result differs at sample {sample}: the fault lies behind the last layer."


def _layer_results(schedule: Schedule, rtl: Rtl) -> list[int]:
    """Values that other layers or outputs read, in order of layer."""
    program = schedule.program
    counts = np.diff(program.start)
    reader = np.repeat(np.arange(len(program)), counts)
    crosses = program.layer[program.operand] != program.layer[reader]
    crosses |= program.operation[reader] == output.code
    values = np.unique(program.operand[crosses]).tolist()
    known = [v for v in values if v in rtl.signals and program.operation[v] != const.code]
    return sorted(known, key=lambda v: (int(program.layer[v]), v))


def _copies(rtl: Rtl, v: int) -> list[tuple[int, str]]:
    """The signals of a value, by cycles."""
    return list(rtl.signals[v].items())


def _path(program: Program, rtl: Rtl, v: int, signal: str) -> str:
    instance = rtl.instances.get(int(program.layer[v]))
    is_input = program[v].operation.name == "input"
    return signal if is_input or instance is None else f"{instance}.{signal}"


def _delay(schedule: Schedule, v: int) -> int:
    return 0 if schedule.is_combinational else int(schedule.stage[v]) + schedule.has_input_register


def _number(words: np.ndarray, width: int, is_signed: bool) -> int:
    raw = sum(int(word) << (32 * n) for n, word in enumerate(words)) & ((1 << width) - 1)
    return raw - (1 << width) if is_signed and raw >> (width - 1) else raw
