"""A compiled design: every stage of the way stays visible."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import verify
from .bundle import Bundle, write_bundle
from .errors import BadOption
from .frontends import LayerGraph
from .ir import Program
from .ir.interpreter import Interpreter
from .model_file import file_hash
from .rtl import Rtl
from .schedule import Schedule


class Latency(NamedTuple):
    """From input port to output port."""

    cycles: int
    ns: float


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
        floats = as_list(x, self.program)
        if not exact:
            return _unlist(self._interpreter.predict(floats))
        mantissas = self._interpreter.run(self._interpreter.quantize_inputs(floats))
        return _unlist(self._with_exponents(mantissas))

    def simulate(self, x: Any, exact: bool = False) -> Any:
        """The same as :meth:`predict`, from the Verilog under Verilator."""
        given = self._interpreter.quantize_inputs(as_list(x, self.program))
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
                else as_list(x, self.program)
            )
            self._check_is_compiled_from(Path(model))
            verify.check_framework(self.program, Path(model), floats)
            rungs = ("Keras", *rungs)
            mantissas = self._interpreter.quantize_inputs(floats)
        elif x is None:
            mantissas = verify.port_stimulus(self.program, samples)
        else:
            mantissas = self._interpreter.quantize_inputs(as_list(x, self.program))
        result = verify.check_verilog(self.schedule, self.rtl, mantissas, self._build_dir(), bench)
        return verify.CheckResult(result.samples, bench, rungs)

    def overflow(self, x: Any) -> list[verify.OverflowShare]:
        """How often each quantizer wraps or saturates on `x`."""
        return verify.overflow_shares(self.lowered, as_list(x, self.lowered))

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
        after = self.report["model"].get("after")
        if after:
            raise BadOption(
                f"the design ends in function {after!r}, which Keras does not know: check it "
                "without model, and the model by itself"
            )
        recorded = self.report["model"].get("sha256")
        if not model.is_file():
            raise BadOption(f"{model}: no such file. Give the model that was compiled.")
        if recorded and file_hash(model) != recorded:
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


def as_list(x: Any, program: Program) -> list[np.ndarray]:
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
