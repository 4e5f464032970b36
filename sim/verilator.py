"""The fast bench: Verilog in, a program that streams millions of samples through it out.

`build` wraps the core in a module whose pins have fixed names (so that no
Verilog name need be spelled in C++), makes every probed signal a further
output of that wrapper by a hierarchical reference (which keeps the signal and
costs nothing else), and compiles it together with ``harness.cpp``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from hgq2rtl import errors
from hgq2rtl.sim import tools, vectors
from hgq2rtl.sim.ports import (
    WORD_BITS,
    Port,
    Ports,
    difference,
    latency_message,
    load_ports,
    other_latency,
)

WRAPPER = "hgq2rtl_bench"

VERILATOR_FLAGS = (
    *("-O3", "--x-assign", "fast", "--x-initial", "unique", "--no-assert"),
    # A design's own warnings are lint's business, except where pins do not fit ports.json.
    *("-Wno-fatal", "-Werror-WIDTHTRUNC", "-Werror-WIDTHEXPAND", "-Werror-PINMISSING"),
)
CXX_FLAGS = "-std=c++20 -I.."
RUNTIME_OBJECTS = ("verilated.o", "verilated_threads.o")

BROKEN_PROTOCOL = 1
"""Exit code of ``harness.cpp`` when the core breaks the protocol."""


@dataclass(frozen=True)
class Probe:
    """An internal signal to watch: `path` below the top module, as Verilog spells it.

    For sample ``t``, which is on the inputs in cycle ``t``, the bench gives the
    signal's value in cycle ``t + delay_cycles``. `width` must be the signal's own.
    """

    path: str
    width: int
    delay_cycles: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.delay_cycles < 0:
            raise ValueError(f"{self} cannot be watched: one bit and no delay are the least")

    @property
    def words(self) -> int:
        return -(-self.width // WORD_BITS)


@dataclass(frozen=True)
class Bench:
    """A core that has been compiled: call `run` as often as wanted."""

    ports: Ports
    probes: tuple[Probe, ...]
    executable: Path
    build_seconds: float
    """0 where an earlier build of the same sources was there."""
    _folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    def run(
        self, inputs: Sequence[np.ndarray], *, stalls_seed: int | None = None
    ) -> list[np.ndarray]:
        """Bus words of the outputs, uint32 (samples, words) per port, for those of the inputs.

        Drives a new sample in every cycle; with `stalls_seed`, pauses at random
        by ``enable`` and ``valid_in`` where the core has them.

        Raises
        ------
        Mismatch
            If ``valid_out`` is not what the latency of ports.json says, or
            results move while ``enable`` is 0.
        """
        if stalls_seed is not None and self.probes:
            raise ValueError("probes have a meaning only where every cycle brings a sample")
        options = [] if stalls_seed is None else ["--stalls", str(stalls_seed)]
        return self._execute(inputs, options)[0][: len(self.ports.outputs)]

    def trace(self, inputs: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """`run`, and the words of every probe beside: uint32 (samples, words) each."""
        observed, _ = self._execute(inputs, [])
        return observed[: len(self.ports.outputs)], observed[len(self.ports.outputs) :]

    def check(
        self,
        inputs: Sequence[np.ndarray],
        expected: Sequence[np.ndarray],
        *,
        stalls_seed: int | None = None,
    ) -> None:
        """Run and compare every bit of every output.

        Raises
        ------
        Mismatch
            Names the first sample and output element that differ, or the
            latency where the results are right but come at another time.
        """
        compare(self.ports, expected, self.run(inputs, stalls_seed=stalls_seed))

    def samples_per_second(self, inputs: Sequence[np.ndarray], repeats: int = 1) -> float:
        """The speed of the simulation alone, the files' reading and writing apart."""
        return float(self._execute(inputs, ["--repeat", str(repeats)])[1]["samples_per_second"])

    def _execute(
        self, inputs: Sequence[np.ndarray], options: Sequence[str]
    ) -> tuple[list[np.ndarray], Mapping[str, Any]]:
        with tempfile.TemporaryDirectory(dir=self.executable.parent) as folder:
            input_file, output_file = Path(folder, "inputs.bin"), Path(folder, "outputs.bin")
            vectors.write_vectors(input_file, self.ports.inputs, inputs)
            done = subprocess.run(
                [self.executable, input_file, output_file, *options],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == BROKEN_PROTOCOL:
                raise errors.Mismatch(
                    f"{self.ports.top}: {done.stderr.strip()} "
                    f"(ports.json says latency_cycles = {self.ports.latency_cycles})."
                )
            if done.returncode != 0:
                raise errors.ToolFailed(
                    f"{self.ports.top}: the simulation ended with code {done.returncode}: "
                    f"{(done.stderr or done.stdout).strip()}"
                )
            buses: list[Port | Probe] = [*self.ports.outputs, *self.probes]
            observed = vectors.read_vectors(output_file, [bus.words for bus in buses])
        return observed, json.loads(done.stdout)


def build(
    rtl_files: Sequence[str | Path],
    ports: Ports | Mapping[str, Any] | str | Path,
    build_dir: str | Path,
    *,
    probes: Sequence[Probe] = (),
) -> Bench:
    """Compile a core and the bench around it.

    Parameters
    ----------
    rtl_files : paths
        All Verilog files of the core.
    ports : path of ports.json, its content, or `Ports`
    build_dir : path
        Belongs to the bench; what an earlier build left there is used again
        where nothing changed. A path with spaces, in which make cannot work,
        is left alone, and a temporary folder serves instead.
    probes : sequence of `Probe`
        Internal signals that `Bench.trace` gives.

    Raises
    ------
    MissingTool
        If Verilator, a C++ compiler or make is missing.
    ToolFailed
        If the core does not compile, or its pins are not those of ports.json.
    """
    ports = load_ports(ports)
    probes = tuple(probes)
    verilator = tools.find_verilator()
    folder, temporary = tools.buildable(Path(build_dir) / ("probed" if probes else "plain"))
    files = {
        f"{WRAPPER}.v": _wrapper(ports, probes),
        "design.h": _design_header(ports, probes),
        "harness.cpp": resources.files("hgq2rtl.sim").joinpath("harness.cpp").read_text(),
        "lint.vlt": _lint_file(),
    }
    sources = [Path(file) for file in rtl_files]
    key = _content_key(verilator, files, sources)
    executable, stamp, seconds = folder / "bench", folder / "key", 0.0
    if not (executable.exists() and stamp.exists() and stamp.read_text() == key):
        start = time.perf_counter()
        _compile(verilator, files, sources, folder)
        stamp.write_text(key)
        seconds = time.perf_counter() - start
    return Bench(ports, probes, executable, seconds, temporary)


def compare(ports: Ports, expected: Sequence[np.ndarray], got: Sequence[np.ndarray]) -> None:
    """Raise a `Mismatch` that names the first sample and output element that differ."""
    rows_expected = np.concatenate(expected, axis=1)
    rows_got = np.concatenate(got, axis=1)
    if rows_expected.shape != rows_got.shape:
        raise ValueError(f"expected {rows_expected.shape} words, got {rows_got.shape}")
    is_different = (rows_expected != rows_got).any(axis=1)
    if not is_different.any():
        return
    head = slice(0, 256)
    if is_different[head].any():
        measured = other_latency(
            rows_got[head].tolist(), rows_expected[head].tolist(), ports.latency_cycles
        )
        if measured is not None:
            raise errors.Mismatch(latency_message(ports.top, measured, ports.latency_cycles))
    sample = int(is_different.argmax())
    first = next(
        difference(port, vectors.bus_value(want[sample]), vectors.bus_value(have[sample]))
        for port, want, have in zip(ports.outputs, expected, got, strict=True)
        if (want[sample] != have[sample]).any()
    )
    raise errors.Mismatch(
        f"{ports.top}: {int(is_different.sum())} of {len(is_different)} samples differ, "
        f"first sample {sample}: {first}."
    )


def _compile(
    verilator: tools.Verilator, files: Mapping[str, str], sources: Sequence[Path], folder: Path
) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)
    environment = verilator.environment(folder)
    runtime = _RuntimeCache(verilator, folder / "objects")
    log = folder / "build.log"
    command = [verilator.command(environment), "--cc", "--exe", "--Mdir", "objects"]
    command += ["--prefix", "Vdesign", "--top-module", WRAPPER, "-o", "../bench"]
    command += [*VERILATOR_FLAGS, "-CFLAGS", CXX_FLAGS, "lint.vlt", f"{WRAPPER}.v"]
    command += [*_copy_sources(sources, folder), "../harness.cpp"]
    _run_logged(command, environment, folder, log)
    runtime.take()
    command = ["make", "-C", "objects", "-f", "Vdesign.mk", "-j", str(os.cpu_count() or 1)]
    _run_logged(command, environment, folder, log)
    runtime.keep()


class _RuntimeCache:
    """Verilator's run-time library, compiled once: it is half the work of a small bench.

    Its objects depend on Verilator, compiler and flags only. To lack or lose
    them costs time and nothing else, so a cache that cannot be written is no error.
    """

    def __init__(self, verilator: tools.Verilator, objects: Path) -> None:
        stat = verilator.executable.stat()
        identity = [verilator.version, str(verilator.executable), stat.st_size, stat.st_mtime_ns]
        identity += [tools.compiler(), tools.version_of(tools.compiler())]
        identity += [VERILATOR_FLAGS, CXX_FLAGS]
        identity += [os.environ.get(name) for name in ("CXXFLAGS", "CPPFLAGS")]
        self.objects = objects
        name = hashlib.sha256(repr(identity).encode()).hexdigest()[:24]
        self.folder = tools.cache_folder() / "verilator" / name

    def take(self) -> None:
        """After Verilator, before make: objects newer than the makefile are not built again."""
        for name in RUNTIME_OBJECTS:
            with contextlib.suppress(OSError):
                shutil.copyfile(self.folder / name, self.objects / name)

    def keep(self) -> None:
        for name in RUNTIME_OBJECTS:
            with contextlib.suppress(OSError):
                if not (self.folder / name).exists():
                    self.folder.mkdir(parents=True, exist_ok=True)
                    draft = self.folder / f"{name}.{os.getpid()}"
                    shutil.copyfile(self.objects / name, draft)
                    draft.replace(self.folder / name)


def _run_logged(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
) -> None:
    with log.open("ab") as output:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=output, stderr=output, check=False
        )
    if done.returncode != 0:
        raise errors.ToolFailed(
            f"{Path(command[0]).name} could not build the bench "
            f"(exit code {done.returncode}). The end of {log}:\n{tools.last_lines(log)}"
        )


def _copy_sources(sources: Sequence[Path], folder: Path) -> Iterator[str]:
    """The Verilog under names without spaces, which makefiles cannot spell."""
    (folder / "rtl").mkdir()
    for number, source in enumerate(sources):
        copy = folder / "rtl" / f"{number}_{source.name.replace(' ', '_')}"
        shutil.copyfile(source, copy)
        yield str(copy.relative_to(folder))


def _content_key(
    verilator: tools.Verilator, files: Mapping[str, str], sources: Sequence[Path]
) -> str:
    """A hash of everything that decides what the bench does."""
    key = hashlib.sha256()
    options = [verilator.version, verilator.executable, VERILATOR_FLAGS, CXX_FLAGS]
    options += sorted(files.items())
    key.update(repr(options).encode())
    for source in sources:
        try:
            content = source.read_bytes()
        except OSError as error:
            raise errors.BadInput(f"{source} cannot be read: {error.strerror}.") from error
        key.update(f"{len(content)}\n".encode() + content)
    return key.hexdigest()


def _wrapper(ports: Ports, probes: Sequence[Probe]) -> str:
    """The module around the core: pins ``in0 in1 .. out0 .. probe0 ..`` and all control pins."""
    buses = [
        *(("input", f"in{n}", port.width) for n, port in enumerate(ports.inputs)),
        *(("output", f"out{n}", port.width) for n, port in enumerate(ports.outputs)),
        *(("output", f"probe{n}", probe.width) for n, probe in enumerate(probes)),
    ]
    controls = [
        *((ports.clock, "clk"), (ports.reset, "rst"), (ports.enable, "en")),
        *((ports.valid_in, "valid_in"), (ports.valid_out, "valid_out")),
    ]
    pins = [
        *((name, pin) for name, pin in controls if name is not None),
        *((port.port, f"in{n}") for n, port in enumerate(ports.inputs)),
        *((port.port, f"out{n}") for n, port in enumerate(ports.outputs)),
    ]
    declared = ["input clk", "input rst", "input en", "input valid_in", "output valid_out"]
    declared += [f"{way} [{width - 1}:0] {name}" for way, name, width in buses]
    body = [f"  {ports.top} core ({', '.join(f'.{name}({pin})' for name, pin in pins)});"]
    body += [f"  assign probe{n} = core.{probe.path};" for n, probe in enumerate(probes)]
    if ports.valid_out is None:
        body.append("  assign valid_out = 1'b0;")
    lines = [f"module {WRAPPER} (", "  " + ",\n  ".join(declared), ");", *body, "endmodule", ""]
    return "\n".join(lines)


def _design_header(ports: Ports, probes: Sequence[Probe]) -> str:
    """What ``harness.cpp`` must know of this core."""
    observed: Sequence[Port | Probe] = (*ports.outputs, *probes)
    names = [f"out{n}" for n in range(len(ports.outputs))]
    names += [f"probe{n}" for n in range(len(probes))]
    delays = [ports.latency_cycles for _ in ports.outputs] + [p.delay_cycles for p in probes]
    each_input = "".join(
        f"  visit(model.in{n}, {port.width});\n" for n, port in enumerate(ports.inputs)
    )
    each_observed = "".join(
        f"  visit(model.{name}, {bus.width});\n" for name, bus in zip(names, observed, strict=True)
    )
    return (
        "// Written by hgq2rtl: the buses of one core, for harness.cpp.\n"
        "#pragma once\n"
        "#include <cstddef>\n"
        '#include "Vdesign.h"\n'
        "namespace design {\n"
        f"inline constexpr bool has_clock = {int(ports.clock is not None)};\n"
        f"inline constexpr bool has_reset = {int(ports.reset is not None)};\n"
        f"inline constexpr bool has_enable = {int(ports.enable is not None)};\n"
        f"inline constexpr bool has_valid = {int(ports.valid_out is not None)};\n"
        f"inline constexpr std::size_t latency = {ports.latency_cycles};\n"
        f"inline constexpr std::size_t input_words = {sum(p.words for p in ports.inputs)};\n"
        f"inline constexpr std::size_t observed_words = {sum(b.words for b in observed)};\n"
        f"inline constexpr std::size_t delays[] = {{{', '.join(map(str, delays))}}};\n"
        "template <class Visit>\n"
        f"inline void each_input(Vdesign& model, Visit visit) {{\n{each_input}}}\n"
        "template <class Visit>\n"
        f"inline void each_observed(Vdesign& model, Visit visit) {{\n{each_observed}}}\n"
        "}  // namespace design\n"
    )


def _lint_file() -> str:
    """Widths and open pins matter at the wrapper only."""
    return (
        "`verilator_config\n"
        'lint_off -rule WIDTHTRUNC -file "rtl/*"\n'
        'lint_off -rule WIDTHEXPAND -file "rtl/*"\n'
        'lint_off -rule PINMISSING -file "rtl/*"\n'
    )
