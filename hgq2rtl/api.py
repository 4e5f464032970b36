"""The Python face: ``compile``, ``load`` and the Design that both give."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import verify
from .bundle import Bundle, read_bundle, write_bundle
from .errors import BadOption
from .frontends import LayerGraph, from_model, read
from .ir import Program
from .ir.interpreter import Interpreter
from .lowering import FormatWish, lower
from .lowering.ebops import ebops, stored_ebops
from .lowering.wishes import parse_wishes
from .passes import run_passes
from .report import info_report, make_report
from .rtl import CoreOptions, Rtl, emit
from .schedule import Schedule, ScheduleWish, schedule
from .targets import DEFAULT_PART, target_for

Progress = Callable[[str], None]
Wishes = Mapping[str, str | Sequence[int] | FormatWish] | str | Sequence[int] | None


class Latency(NamedTuple):
    """From input port to output port."""

    cycles: int
    ns: float


def compile(
    model: str | os.PathLike[str] | Any,
    *,
    clock_ns: float | None = None,
    stages: int | None = None,
    combinational: bool = False,
    part: str = DEFAULT_PART,
    top: str | None = None,
    input_register: bool = True,
    output_register: bool = True,
    input_format: Wishes = None,
    output_format: Wishes = None,
    clock_enable: bool = False,
    valid: bool = False,
    valid_reset: bool = False,
    progress: Progress = lambda step: None,
    command: Sequence[str] = (),
) -> Design:
    """Compile a model file or a live Keras model to Verilog.

    Parameters
    ----------
    model : path or Keras model
    clock_ns, stages, combinational
        At most one: the wanted clock (5 ns without a wish), a number of
        pipeline stages, or no registers at all.
    part : str
        The FPGA, for delays and scripts; ``generic`` for an unknown family.
    top : str
        Name of the top module; without it the file's.
    input_register, output_register : bool
        Register the ports.
    input_format, output_format : ``"k,i,f"``, (k, i, f), or a mapping from port name to these
        Fix the format of ports. Outputs take ``"k,i,f,rounding,overflow"`` too.
    clock_enable, valid, valid_reset : bool
        Further control ports: ``en``; ``valid_in`` and ``valid_out``; ``rst`` for these.
    progress : called with the name of each step

    Returns
    -------
    Design

    Raises
    ------
    BadModelFile, UnsupportedFormat, UnsupportedLayer, NotExact, NeedsInputFormat, TooLarge
        If the model cannot be compiled.
    BadOption, ClockTooFast
        If the options cannot be met.
    """
    target = target_for(part)
    wish = ScheduleWish(clock_ns, stages, combinational, input_register, output_register)
    controls = CoreOptions(clock_enable, valid, valid_reset)

    progress("reading the model")
    graph = _read(model)
    progress("lowering to integers")
    lowered = lower(
        graph,
        parse_wishes(input_format, [port.name for port in graph.inputs], "input"),
        parse_wishes(output_format, [port.name for port in graph.outputs], "output"),
    )
    progress("optimising")
    program = run_passes(lowered)
    progress("scheduling")
    timing = schedule(program, target, wish)
    progress("emitting Verilog")
    rtl = emit(timing, top or _top_name(model, graph), controls)
    if top is not None and rtl.top != top:
        raise BadOption(
            f"top {top!r} is no free Verilog name here: use {rtl.top!r}, or another of letters, "
            "digits and underscores that no port has"
        )
    report = make_report(
        timing,
        rtl,
        target,
        # Layer 0 of the Program is its inputs; calls follow in order.
        ebops=dict(enumerate(ebops(graph), 1)),
        model={
            "source": graph.source,
            "origin": graph.origin,
            "sha256": _hash(model),
            "stored_ebops": stored_ebops(graph),
        },
        options={**vars(wish), **vars(controls)},
        command=command,
    )
    return Design(program, timing, rtl, report, lowered, graph)


def load(path: str | os.PathLike[str]) -> Design:
    """The Design of an output folder, from its own files; the model is not needed.

    Its ``graph`` is None. Simulation uses the folder's Verilog as it is.
    """
    bundle = read_bundle(Path(path))
    return Design(bundle.program, bundle.schedule, bundle.rtl, bundle.report, bundle.lowered)


def info(
    model: str | os.PathLike[str] | Any, data: Any = None, input_format: Wishes = None
) -> dict[str, Any]:
    """Layers, formats, EBOPs and pruned share of a model, without compiling it.

    With `data` (floats as ``predict`` takes them) also how often each
    quantizer wraps or saturates, under ``overflow``.
    """
    graph = _read(model)
    report = info_report(graph)
    if data is not None:
        names = [port.name for port in graph.inputs]
        lowered = lower(graph, parse_wishes(input_format, names, "input"))
        shares = verify.overflow_shares(lowered, _as_list(data, lowered))
        report["overflow"] = [vars(share) for share in shares]
    return report


@dataclass(eq=False, repr=False)
class Design:
    """A compiled model: every stage of the way stays visible."""

    program: Program
    schedule: Schedule
    rtl: Rtl
    report: dict[str, Any]
    lowered: Program
    """The Program as lowered: quantizers whole, nothing optimised."""
    graph: LayerGraph | None = None
    build_dir: Path | None = None
    """Where simulations are built; a temporary folder without one."""
    _temporary: tempfile.TemporaryDirectory[str] | None = None

    @property
    def latency(self) -> Latency:
        return Latency(self.schedule.latency_cycles, self.schedule.latency_ns)

    def predict(self, x: Any, exact: bool = False) -> Any:
        """What the hardware answers, by the interpreter.

        Parameters
        ----------
        x : float array (samples, *shape), or a list of them for several inputs
        exact : bool
            Give integers instead of floats.

        Returns
        -------
        float64 array (samples, *shape) in model units, a list for several outputs;
        with `exact` a pair (mantissas, exponents) in place of each array, the
        exponents of shape ``shape``.

        Raises
        ------
        NotExact
            If an input is not finite, or does not fit a format that the user fixed.
        BadOption
            If shapes do not fit, or an output needs more than 53 bits without `exact`.
        """
        floats = _as_list(x, self.program)
        if not exact:
            return _unlist(self._interpreter.predict(floats))
        mantissas = self._interpreter.run(self._interpreter.quantize_inputs(floats))
        return _unlist(self._with_exponents(mantissas))

    def simulate(self, x: Any, exact: bool = False) -> Any:
        """The same as :meth:`predict`, from the Verilog under Verilator."""
        given = self._interpreter.quantize_inputs(_as_list(x, self.program))
        mantissas = verify.simulate(self.schedule, self.rtl, given, self._build_dir())
        pairs = self._with_exponents(mantissas)
        if exact:
            return _unlist(pairs)
        self._interpreter.check_outputs_fit_float64()
        return _unlist([np.ldexp(m.astype(np.float64), e) for m, e in pairs])

    def check(
        self,
        x: Any = None,
        samples: int = 10_000,
        bench: str = "cpp",
        model: str | os.PathLike[str] | None = None,
    ) -> verify.CheckResult:
        """Compare interpreter and Verilog (and Keras, where `model` names the file).

        Parameters
        ----------
        x : floats as for :meth:`predict`
            Without it, `samples` generated inputs: corners, the whole range, small numbers.
        bench : ``cpp`` or ``cocotb``

        Raises
        ------
        Mismatch
            Naming the first layer and sample that differ.
        """
        if x is None and samples < 1:
            raise BadOption(f"{samples} samples: a check needs at least one")
        rungs: tuple[str, ...] = ("interpreter", "Verilator")
        if model is not None:
            floats = (
                verify.float_stimulus(self.program, samples)
                if x is None
                else _as_list(x, self.program)
            )
            self._check_is_compiled_from(Path(model))
            verify.check_framework(self.program, Path(model), floats)
            rungs = ("Keras", *rungs)
            mantissas = self._interpreter.quantize_inputs(floats)
        elif x is None:
            mantissas = verify.port_stimulus(self.program, samples)
        else:
            mantissas = self._interpreter.quantize_inputs(_as_list(x, self.program))
        result = verify.check_verilog(self.schedule, self.rtl, mantissas, self._build_dir(), bench)
        return verify.CheckResult(result.samples, bench, rungs)

    def overflow(self, x: Any) -> list[verify.OverflowShare]:
        """How often each quantizer wraps or saturates on `x`."""
        return verify.overflow_shares(self.lowered, _as_list(x, self.lowered))

    def write(self, path: str | os.PathLike[str], force: bool = False) -> Path:
        """Write the output folder; `force` replaces an earlier one. Gives its path."""
        bundle = Bundle(self.program, self.schedule, self.rtl, self.report, self.lowered)
        write_bundle(bundle, Path(path), force)
        return Path(path)

    def __repr__(self) -> str:
        return f"<Design {self.rtl.top}: {self.summary}>"

    def __str__(self) -> str:
        from rich.console import Console

        from .report import layer_table

        console = Console(width=100, color_system=None)
        with console.capture() as captured:
            console.print(layer_table(self.report))
            console.print(self.summary)
        return "\n".join(line.rstrip() for line in captured.get().splitlines())

    @property
    def summary(self) -> str:
        """Stages, latency and clock in one line."""
        if self.schedule.is_combinational:
            return f"combinational, {self.latency.ns:.2f} ns by the delay model"
        return (
            f"{self.schedule.stages} stages, latency {self.latency.cycles} cycles = "
            f"{self.latency.ns:.2f} ns at {self.schedule.clock_ns:g} ns "
            f"(slowest stage {max(self.schedule.stage_ns):.2f} ns by the delay model)"
        )

    # -- inside --------------------------------------------------------------

    def _check_is_compiled_from(self, model: Path) -> None:
        recorded = self.report["model"].get("sha256")
        if not model.is_file():
            raise BadOption(f"{model}: no such file. Give the model that was compiled.")
        if recorded and _hash(model) != recorded:
            raise BadOption(
                f"{model} is not the file that was compiled (its sha256 differs): compile it, or "
                "give the file that was"
            )

    @cached_property
    def _interpreter(self) -> Interpreter:
        return Interpreter(self.program)

    def _build_dir(self) -> Path:
        if self.build_dir is not None:
            return self.build_dir
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="hgq2rtl-build-")
        return Path(self._temporary.name)

    def _with_exponents(
        self, mantissas: Sequence[np.ndarray]
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        pairs = []
        for port, m in zip(self.program.outputs, mantissas, strict=True):
            exponents = np.array([f.format.exponent for f in port.fields], np.int64)
            pairs.append((m.reshape(len(m), *port.shape), exponents.reshape(port.shape)))
        return pairs


def _read(model: Any) -> LayerGraph:
    if isinstance(model, (str, os.PathLike)):
        return read(model)
    return from_model(model)


def _top_name(model: Any, graph: LayerGraph) -> str:
    return Path(model).stem if isinstance(model, (str, os.PathLike)) else graph.name


def _hash(model: Any) -> str | None:
    if not isinstance(model, (str, os.PathLike)):
        return None
    return hashlib.sha256(Path(model).read_bytes()).hexdigest()


def _as_list(x: Any, program: Program) -> list[np.ndarray]:
    """Float inputs as a list of arrays, one per port."""
    if isinstance(x, Mapping):
        missing = [port.name for port in program.inputs if port.name not in x]
        if missing:
            raise BadOption(f"inputs {', '.join(missing)} are missing")
        return [np.asarray(x[port.name]) for port in program.inputs]
    if len(program.inputs) == 1:
        rank = len(program.inputs[0].shape) + 1
        is_list_of_inputs = isinstance(x, (list, tuple)) and len(x) == 1 and np.ndim(x[0]) == rank
        return [np.asarray(x[0] if is_list_of_inputs else x)]
    return [np.asarray(each) for each in x]


def _unlist(results: list[Any]) -> Any:
    return results[0] if len(results) == 1 else results
