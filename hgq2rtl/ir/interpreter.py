"""Evaluate a Program on a batch of samples, bit for bit.

Two ways lead to the same integers. The native kernel runs blocks of samples in
the narrowest machine integers in which the formats prove every step exact.
Where int64 is too small for a value, Python ints evaluate the meaning of each
operation. The border is the same for both: floats become mantissas as the
framework quantizes them, output mantissas become float64 without rounding.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NoReturn

import numpy as np

from .. import _kernel
from ..errors import BadOption, NotExact
from ..fixed import OVERFLOWS, ROUNDINGS, quantize_float32, wrap
from .operations import FUNCTIONS, OPERATIONS, RELATIONS, const, input_, lincomb, lookup, output
from .program import Field, Program, ProgramPort, Value

if (
    _kernel.OPERATIONS != tuple(o.name for o in OPERATIONS)
    or _kernel.RELATIONS != RELATIONS
    or _kernel.FUNCTIONS != FUNCTIONS
    or _kernel.ROUNDINGS != (*ROUNDINGS, "EXACT")
    or _kernel.OVERFLOWS != (*OVERFLOWS, "EXACT")
):
    raise ImportError("hgq2rtl._kernel was built for other operations: install hgq2rtl again")

_INT64 = 2**63
_SAMPLES_AT_ONCE = 256
"""Python ints of a block: enough to hide the loop over operations, few in memory."""


def evaluate(program: Program, mantissas: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Output mantissas of `program`; see :meth:`Interpreter.run`."""
    return Interpreter(program).run(mantissas)


class Interpreter:
    """A Program made ready to be evaluated many times.

    Parameters
    ----------
    program : Program
        A sound one (see :func:`~hgq2rtl.ir.verifier.verify`).
    exact : bool
        Use Python ints even where machine integers are proved to be enough.
    threads : int, optional
        Threads of the kernel; all cores by default.
    """

    def __init__(self, program: Program, *, exact: bool = False, threads: int | None = None):
        self.program = program
        self.threads = threads or len(os.sched_getaffinity(0))
        self._ports = [_InputPort(port, n) for n, port in enumerate(program.inputs)]
        self._outputs = _output_values(program)
        flat = [v for port in self._outputs for v in port]
        self._tape = None if exact else self._make_tape(flat)

    @property
    def lane(self) -> str:
        """What evaluates the outputs: ``int16``, ``int32``, ``int64`` or ``exact``."""
        return "exact" if self._tape is None else f"int{self._tape.lane}"

    # -- mantissas in, mantissas out ---------------------------------------

    def run(self, mantissas: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Evaluate integers.

        Parameters
        ----------
        mantissas : one integer array (samples, fields) per input port

        Returns
        -------
        One array (samples, fields) per output port: int64, or Python ints where
        a format of the port is wider.

        Raises
        ------
        BadOption
            If an array has another shape, or a number is outside its field's format.
        """
        given, samples = self._integers(mantissas)
        if self._tape is None:
            self._check_integers(given)
            flat = [v for port in self._outputs for v in port]
            columns = self._exact_columns(given, samples, flat)
            return self._split(columns, samples)
        results = [np.empty((samples, len(port)), np.int64) for port in self._outputs]
        kept = [(p, c, 1.0) for p, port in enumerate(self._outputs) for c in range(len(port))]
        self._evaluate(self._tape, given, results, kept, samples)
        return results

    def values(self, mantissas: Sequence[np.ndarray], which: Sequence[int]) -> np.ndarray:
        """Mantissas of any values of the Program: (samples, len(which)).

        Names the first value that differs from another evaluation: outputs of a
        layer, or every wire.
        """
        given, samples = self._integers(mantissas)
        tape = None if self._tape is None else self._make_tape(list(which))
        if tape is None:
            self._check_integers(given)
            return _matrix(self._exact_columns(given, samples, which), samples, self._fits(which))
        result = np.empty((samples, len(which)), np.int64)
        self._evaluate(tape, given, [result], [(0, c, 1.0) for c in range(len(which))], samples)
        return result

    # -- floats in, floats out -----------------------------------------------

    def quantize_inputs(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Floats as the mantissas that the input ports take.

        Parameters
        ----------
        arrays : one float array (samples, \\*shape) per input port

        Returns
        -------
        One integer array (samples, fields) per input port.

        Raises
        ------
        NotExact
            If a number is not finite, or has no exact form where the field asks for one.
        """
        given, samples = self._floats(arrays)
        if self._tape is None:
            return [
                _matrix(port.quantize(floats), samples, port.fits)
                for port, floats in zip(self._ports, given, strict=True)
            ]
        results = [np.empty((samples, len(port.fields)), np.int64) for port in self._ports]
        kept = [(p, c, 1.0) for p, port in enumerate(self._ports) for c in range(len(port.fields))]
        self._evaluate(_kernel.Tape.identity(len(kept)), given, results, kept, samples)
        return results

    def predict(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Evaluate floats as the model does.

        Parameters
        ----------
        arrays : one float array (samples, \\*shape) per input port

        Returns
        -------
        One float64 array (samples, \\*shape) per output port, exact.

        Raises
        ------
        NotExact
            See :meth:`quantize_inputs`.
        BadOption
            If an array has another shape, or float64 does not hold every output.
        """
        for port in self.program.outputs:
            _check_float64(port)
        given, samples = self._floats(arrays)
        ports = self.program.outputs
        results = [np.zeros((samples, _size(port))) for port in ports]
        if self._tape is None:
            for port, result, mantissas in zip(
                ports, results, self.run(self.quantize_inputs(arrays)), strict=True
            ):
                for n, field in enumerate(port.fields):
                    column = mantissas[:, n].astype(np.float64)
                    result[:, field.element] = np.ldexp(column, field.format.exponent)
        else:
            kept = [
                (p, field.element, 2.0**field.format.exponent)
                for p, port in enumerate(ports)
                for field in port.fields
            ]
            self._evaluate(self._tape, given, results, kept, samples)
        return [r.reshape(samples, *port.shape) for r, port in zip(results, ports, strict=True)]

    # -- the kernel --------------------------------------------------------

    def _make_tape(self, kept: list[int]) -> _kernel.Tape | None:
        """None where int64 is too small for the Program or one of its ports."""
        program = self.program
        if program.big or not all(port.fits for port in self._ports):
            return None
        counts = [len(port.fields) for port in self._ports]
        rows = [port.kernel_row(field) for port in self._ports for field in range(len(port.fields))]
        self._fields = _kernel.Fields(rows)
        try:
            return _kernel.Tape(
                operation=program.operation,
                start=program.start,
                operand=program.operand,
                weight=_modulo_int64(program.weight),
                attribute=program.attribute.reshape(-1),
                lo=program.lo,
                hi=program.hi,
                wraps=program.wraps,
                tables=[(t.base, np.asarray(t.contents, np.int64)) for t in program.tables],
                kept=np.array(kept, np.int32),
                first_field=np.cumsum([0, *counts[:-1]]).astype(np.int32)[: len(counts)],
                fields=sum(counts),
            )
        except OverflowError:
            return None

    def _evaluate(
        self,
        tape: _kernel.Tape,
        inputs: list[np.ndarray],
        outputs: list[np.ndarray],
        kept: list[tuple[int, int, float]],
        samples: int,
    ) -> None:
        fault = _kernel.evaluate(
            tape, self._fields, inputs, outputs, kept, samples, threads=self.threads
        )
        if fault is None:
            return
        sample, number, why = fault
        port, position = next(
            (port, n)
            for port in self._ports
            for n in range(len(port.fields))
            if (number := number - 1) < 0
        )
        given = inputs[port.number]
        is_float = given.dtype.kind == "f"
        column = port.fields[position].element if is_float else position
        port.refuse(position, sample, given[sample, column], why)

    # -- Python ints ----------------------------------------------------------

    def _exact_columns(
        self, given: list[np.ndarray], samples: int, wanted: Sequence[int]
    ) -> list[list[int]]:
        columns: list[list[int]] = [[] for _ in wanted]
        plan = _Plan(self.program, wanted)
        for first in range(0, samples, _SAMPLES_AT_ONCE):
            block = [each[first : first + _SAMPLES_AT_ONCE] for each in given]
            size = min(_SAMPLES_AT_ONCE, samples - first)
            for column, values in zip(columns, plan.run(block, size), strict=True):
                column += values
        return columns

    def _split(self, columns: list[list[int]], samples: int) -> list[np.ndarray]:
        parts = iter(columns)
        return [
            _matrix([next(parts) for _ in port], samples, self._fits(port))
            for port in self._outputs
        ]

    def _fits(self, values: Sequence[int]) -> bool:
        return not any(v in self.program.big for v in values)

    # -- what the user gave -----------------------------------------------------

    def _integers(self, given: Sequence[np.ndarray]) -> tuple[list[np.ndarray], int]:
        arrays = self._one_per_port(given)
        for port, array in zip(self._ports, arrays, strict=True):
            port.check_shape(array, (len(port.fields),), "fields")
            if array.dtype.kind not in "iubO":
                raise BadOption(
                    f"input {port.name!r}: mantissas must be integers, not {array.dtype}. "
                    "Floats go through predict or quantize_inputs."
                )
        samples = self._common_samples(arrays)
        return [
            port.as_int64(array) if self._tape is not None else array
            for port, array in zip(self._ports, arrays, strict=True)
        ], samples

    def _check_integers(self, given: list[np.ndarray]) -> None:
        for port, array in zip(self._ports, given, strict=True):
            port.check_integers(array)

    def _floats(self, given: Sequence[np.ndarray]) -> tuple[list[np.ndarray], int]:
        arrays = self._one_per_port(given)
        for port, array in zip(self._ports, arrays, strict=True):
            port.check_shape(array, port.shape, "shape")
            if array.dtype.kind not in "fiub":
                raise BadOption(f"input {port.name!r}: give floats, not {array.dtype}")
        samples = self._common_samples(arrays)
        return [_as_rows(array, samples) for array in arrays], samples

    def _one_per_port(self, given: Sequence[np.ndarray]) -> list[np.ndarray]:
        if len(given) != len(self._ports):
            raise BadOption(f"the model has {len(self._ports)} inputs and {len(given)} were given")
        return [np.asarray(array) for array in given]

    def _common_samples(self, arrays: list[np.ndarray]) -> int:
        counts = sorted({len(array) for array in arrays})
        if len(counts) > 1:
            raise BadOption(
                f"the inputs have {counts[0]} and {counts[-1]} samples: give as many of each"
            )
        return counts[0] if counts else 1


class _InputPort:
    """An input port with what its border needs."""

    def __init__(self, port: ProgramPort, number: int):
        self.name = port.name
        self.shape = port.shape
        self.fields = port.fields
        self.number = number
        self.fits = all(
            -_INT64 <= field.format.lo and field.format.hi < _INT64 for field in port.fields
        )

    def kernel_row(self, position: int) -> tuple[Any, ...]:
        field = self.fields[position]
        return (
            self.number,
            field.element,
            position,
            _kernel.ROUNDINGS.index(field.rounding),
            _kernel.OVERFLOWS.index(field.overflow),
            field.scaler,
            *field.format.kif,
            field.format.lo,
            field.format.hi,
        )

    # -- checks --------------------------------------------------------------

    def check_shape(self, array: np.ndarray, wanted: tuple[int, ...], word: str) -> None:
        if array.ndim != len(wanted) + 1 or array.shape[1:] != wanted:
            text = ", ".join(["samples", *map(str, wanted)])
            raise BadOption(
                f"input {self.name!r} has shape {array.shape}: give ({text}), "
                f"the last {word} of the port"
                if word == "fields"
                else f"input {self.name!r} has shape {array.shape}: give ({text})"
            )

    def as_int64(self, array: np.ndarray) -> np.ndarray:
        if array.dtype == object or array.dtype == np.uint64:
            self.check_integers(array)
        return np.ascontiguousarray(array, np.int64)

    def check_integers(self, array: np.ndarray) -> None:
        for n, field in enumerate(self.fields):
            for sample, m in enumerate(array[:, n].tolist()):
                if m not in field.format:
                    self.refuse(n, sample, m, "does_not_fit")

    def refuse(self, position: int, sample: int, given: Any, why: str) -> NoReturn:
        """Raise the error for one number."""
        field = self.fields[position]
        format = field.format
        if not isinstance(given, (float, np.floating)):
            raise BadOption(
                f"input {self.name!r}, sample {sample}, field {position}: {given} is outside "
                f"[{format.lo}, {format.hi}], what {format} holds"
            )
        place = f"input {self.name!r}, sample {sample}, element {self._index(field)}"
        raise NotExact(f"{place}: {given} {_reason(field, why)}")

    def _index(self, field: Field) -> str:
        if len(self.shape) < 2:
            return str(field.element)
        return str([int(i) for i in np.unravel_index(field.element, self.shape)])

    # -- the border in Python -------------------------------------------------

    def quantize(self, floats: np.ndarray) -> list[list[int]]:
        """Mantissas, one list of ints per field."""
        return [self._quantize_field(n, floats[:, f.element]) for n, f in enumerate(self.fields)]

    def _quantize_field(self, position: int, x: np.ndarray) -> list[int]:
        field = self.fields[position]
        is_exact = field.rounding == "EXACT" and field.overflow == "EXACT"
        with np.errstate(all="ignore"):
            single = x.astype(np.float32) / np.float32(field.scaler)
        given = x.astype(np.float64) if is_exact and field.scaler == 1 else single
        self._refuse_first(position, x, ~np.isfinite(given), "not_finite")
        if field.rounding == "EXACT":
            ratios = [_mantissa(each, field.format.f) for each in given.astype(np.float64).tolist()]
            self._refuse_first(position, x, [m is None for m in ratios], "not_representable")
        if is_exact:
            mantissas = ratios
        else:
            mantissas = self._framework_mantissas(position, x, single)
        outside = [m not in field.format for m in mantissas]
        self._refuse_first(position, x, outside, "does_not_fit")
        return mantissas

    def _framework_mantissas(self, position: int, x: np.ndarray, single: np.ndarray) -> list[int]:
        field = self.fields[position]
        rounding = "RND_CONV" if field.rounding == "EXACT" else field.rounding
        overflow = "NONE" if field.overflow == "EXACT" else field.overflow
        mantissas = []
        for sample, each in enumerate(single):
            try:
                mantissas.append(int(quantize_float32(each, *field.format.kif, rounding, overflow)))
            except NotExact:
                self.refuse(position, sample, x[sample], "no_float32_result")
        return mantissas

    def _refuse_first(self, position: int, x: np.ndarray, is_bad: Any, why: str) -> None:
        bad = np.flatnonzero(is_bad)
        if len(bad):
            self.refuse(position, int(bad[0]), x[bad[0]], why)


def _reason(field: Field, why: str) -> str:
    format = field.format
    match why:
        case "not_finite":
            return "is not finite in float32. Give finite numbers."
        case "no_float32_result":
            return (
                f"has no result in float32 when it is quantized to {format}. Give smaller numbers."
            )
        case "not_representable":
            return (
                f"is no multiple of 2**{format.exponent}, and the port takes only numbers that "
                f"{format} holds exactly. Round them first."
            )
    if field.overflow == "EXACT":
        return (
            f"is outside [{format.lo}, {format.hi}] * 2**{format.exponent}, and the port takes "
            f"only numbers that {format} holds exactly. Clip them first."
        )
    return (
        f"becomes a number that {format} does not hold: float32 has 24 bits, and rounds the "
        "framework's result beyond the end of the format."
    )


def _mantissa(x: float, f: int) -> int | None:
    """``x * 2**f`` if that is an integer."""
    numerator, denominator = x.as_integer_ratio()
    numerator <<= max(f, 0)
    denominator <<= max(-f, 0)
    return None if numerator % denominator else numerator // denominator


class _Plan:
    """The exact evaluation of some values with Python ints."""

    def __init__(self, program: Program, wanted: Sequence[int]):
        self.wanted = wanted
        self.steps = [_ExactStep(program[v]) for v in _needed(program, wanted)]
        self.dies_after = _last_uses(self.steps, set(wanted))

    def run(self, given: list[np.ndarray], samples: int) -> Iterator[list[int]]:
        columns: dict[int, list[int]] = {}
        for step in self.steps:
            columns[step.number] = step.run(columns, given, samples)
            for v in self.dies_after.get(step.number, ()):
                del columns[v]
        return (columns[v] for v in self.wanted)


class _ExactStep:
    """One value: its meaning, then its format."""

    def __init__(self, value: Value):
        self.number = value.number
        self.operation = value.operation
        self.operands = value.operands
        self.attributes = value.attributes
        self.lo = value.interval[0]
        self.width = value.format.width
        self.is_wrapping = value.is_wrapping
        self.meaning = _bound_meaning(value)

    def run(
        self, columns: dict[int, list[int]], given: list[np.ndarray], samples: int
    ) -> list[int]:
        if self.operation is const:
            return [self.lo] * samples
        if self.operation is input_:
            made = given[self.attributes["port"]][:, self.attributes["field"]].tolist()
        elif self.operands:
            made = list(map(self.meaning, *(columns[v] for v in self.operands)))
        else:
            made = [self.meaning()] * samples
        if self.is_wrapping:
            return [wrap(m, self.lo, self.width) for m in made]
        return made


def _bound_meaning(value: Value) -> Callable[..., int]:
    """``value.meaning`` with its attributes looked up once."""
    if value.operation in (const, input_):
        return value.meaning
    attributes = value.attributes
    if value.operation is lincomb:
        attributes = {"weights": value.weights}
    elif value.operation is lookup:
        attributes = {"table": value.program.tables[attributes["table"]]}
    return partial(value.operation.meaning, **attributes)  # type: ignore[arg-type]


def _needed(program: Program, wanted: Sequence[int]) -> list[int]:
    is_needed = np.zeros(len(program), bool)
    is_needed[list(wanted)] = True
    for v in range(len(program) - 1, -1, -1):
        if is_needed[v]:
            is_needed[program.operands_of(v)] = True
    return np.flatnonzero(is_needed).tolist()


def _last_uses(steps: list[_ExactStep], keep: set[int]) -> dict[int, list[int]]:
    """After which step which columns are no longer needed."""
    last = {v: step.number for step in steps for v in step.operands}
    dies: dict[int, list[int]] = {}
    for v, user in last.items():
        if v not in keep:
            dies.setdefault(user, []).append(v)
    return dies


def _output_values(program: Program) -> list[list[int]]:
    """Per output port the value of each field."""
    found = [[-1] * len(port.fields) for port in program.outputs]
    for v in program.values_of(output).tolist():
        attributes = program[v].attributes
        found[attributes["port"]][attributes["field"]] = v
    return found


def _check_float64(port: ProgramPort) -> None:
    for field in port.fields:
        format = field.format
        bits = max(abs(format.lo), abs(format.hi)).bit_length()
        if bits <= 53 and -1022 <= format.exponent and bits + format.exponent <= 1023:
            continue
        raise BadOption(
            f"output {port.name!r}, element {field.element}: float64 does not hold {format}. "
            "Ask for exact=True, which gives integer mantissas and exponents."
        )


def _modulo_int64(weight: np.ndarray) -> np.ndarray:
    """Coefficients modulo 2**64: a sum that fits int64 is the same."""
    if weight.dtype != object:
        return weight
    return np.array([wrap(w, -_INT64, 64) for w in weight.tolist()], np.int64)


def _matrix(columns: Sequence[Sequence[int]], samples: int, fits: bool) -> np.ndarray:
    matrix = np.empty((samples, len(columns)), np.int64 if fits else object)
    for n, column in enumerate(columns):
        matrix[:, n] = column
    return matrix


def _size(port: ProgramPort) -> int:
    return int(np.prod(port.shape, dtype=np.int64))


def _as_rows(array: np.ndarray, samples: int) -> np.ndarray:
    """(samples, elements) in C order, float32 or float64."""
    kind = np.float32 if array.dtype in (np.float32, np.float16) else np.float64
    rows = array.reshape(samples, -1) if array.size else array.reshape(samples, _row_size(array))
    return np.ascontiguousarray(rows, kind)


def _row_size(array: np.ndarray) -> int:
    return int(np.prod(array.shape[1:], dtype=np.int64))
