"""Evaluate a Program on a batch of samples, bit for bit.

Two ways lead to the same integers. The native kernel runs blocks of samples in
the narrowest machine integers in which the formats prove every step exact.
Where int64 is too small for a value, Python ints evaluate the meaning of each
operation. The border is the same for both: floats become mantissas as the
framework quantizes them, output mantissas become float64 without rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from .. import _kernel
from ..errors import BadOption
from ..fixed import OVERFLOWS, ROUNDINGS, wrap
from ..machine import usable_cores
from .exact_evaluation import evaluate_exactly
from .input_port import InputPort
from .operations import FUNCTIONS, OPERATIONS, RELATIONS, output
from .program import Program, ProgramPort

if (
    _kernel.OPERATIONS != tuple(o.name for o in OPERATIONS)
    or _kernel.RELATIONS != RELATIONS
    or _kernel.FUNCTIONS != FUNCTIONS
    or _kernel.ROUNDINGS != (*ROUNDINGS, "EXACT")
    or _kernel.OVERFLOWS != (*OVERFLOWS, "EXACT")
):
    raise ImportError("hgq2rtl._kernel was built for other operations: install hgq2rtl again")

_INT64 = 2**63

Kept = list[tuple[int, int, float]]
"""For each value that a tape keeps: output array, column, and factor for floats."""


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
        self.threads = threads or usable_cores()
        self._ports = [InputPort(port, n) for n, port in enumerate(program.inputs)]
        self._outputs = _output_values(program)
        self._avoids_kernel = (
            exact or bool(program.big) or not all(port.fits_int64 for port in self._ports)
        )
        self._avoids_kernel_border = self._avoids_kernel or any(
            port.quantizes_exactly for port in self._ports
        )

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
            parts = iter(self._evaluate_exactly(given, samples, self._flat_outputs))
            return [
                self._matrix([next(parts) for _ in port], samples, port) for port in self._outputs
            ]
        results = [np.empty((samples, len(port)), np.int64) for port in self._outputs]
        self._evaluate(self._tape, given, results, _every_column(self._outputs), samples)
        return results

    def values(self, mantissas: Sequence[np.ndarray], which: Sequence[int]) -> np.ndarray:
        """Mantissas of any values of the Program, (samples, len(which)).

        So a check names the first wire that differs from another evaluation.
        """
        given, samples = self._integers(mantissas)
        tape = self._make_tape(which)
        if tape is None:
            return self._matrix(self._evaluate_exactly(given, samples, which), samples, which)
        result = np.empty((samples, len(which)), np.int64)
        self._evaluate(tape, given, [result], _every_column([which]), samples)
        return result

    # -- floats in, floats out -----------------------------------------------

    def quantize_inputs(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Floats as the mantissas that the input ports take.

        Parameters
        ----------
        arrays : one array (samples, *shape) of floats or of integers of any size per input port

        Returns
        -------
        One integer array (samples, fields) per input port.

        Raises
        ------
        NotExact
            If a number is not finite, or has no exact form where the field asks for one.
        """
        given, samples = self._numbers(arrays)
        if self._avoids_kernel_border or _has_wide_integers(given):
            return [
                _integer_matrix(port.quantize(numbers), samples, port.fits_int64)
                for port, numbers in zip(self._ports, given, strict=True)
            ]
        fields = [port.fields for port in self._ports]
        results = [np.empty((samples, len(port)), np.int64) for port in fields]
        tape = _kernel.Tape.identity(sum(map(len, fields)))
        self._evaluate(tape, given, results, _every_column(fields), samples)
        return results

    def predict(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Evaluate floats as the model does.

        Parameters
        ----------
        arrays : one array (samples, *shape) of floats or of integers of any size per input port

        Returns
        -------
        One float64 array (samples, *shape) per output port, exact.

        Raises
        ------
        NotExact
            See :meth:`quantize_inputs`.
        BadOption
            If an array has another shape, or float64 does not hold every output.
        """
        self.check_outputs_fit_float64()
        ports = self.program.outputs
        given, samples = self._numbers(arrays)
        if self._tape is None or self._avoids_kernel_border or _has_wide_integers(given):
            mantissas = self.run(self.quantize_inputs(arrays))
            return [_as_floats(m, port) for m, port in zip(mantissas, ports, strict=True)]
        results = [np.zeros((samples, _size(port))) for port in ports]
        kept = [
            (p, field.element, 2.0**field.format.exponent)
            for p, port in enumerate(ports)
            for field in port.fields
        ]
        self._evaluate(self._tape, given, results, kept, samples)
        return [r.reshape(samples, *port.shape) for r, port in zip(results, ports, strict=True)]

    def check_outputs_fit_float64(self) -> None:
        """Raise BadOption where float64 would round an output."""
        for port in self.program.outputs:
            for field in port.fields:
                format = field.format
                bits = max(abs(format.lo), abs(format.hi)).bit_length()
                if bits > 53 or format.exponent < -1022 or bits + format.exponent > 1023:
                    raise BadOption(
                        f"output {port.name!r}, element {field.element}: float64 does not hold "
                        f"{format}. Ask for exact=True: integer mantissas and exponents."
                    )

    # -- the kernel --------------------------------------------------------

    @cached_property
    def _flat_outputs(self) -> list[int]:
        return [v for port in self._outputs for v in port]

    @cached_property
    def _tape(self) -> _kernel.Tape | None:
        return self._make_tape(self._flat_outputs)

    @cached_property
    def _fields(self) -> _kernel.Fields:
        return _kernel.Fields(
            [
                (
                    port.number,
                    field.element,
                    position,
                    _kernel.ROUNDINGS.index(field.rounding),
                    _kernel.OVERFLOWS.index(field.overflow),
                    field.scaler,
                    *field.kif,
                    field.float_type == "float64",
                    field.format.lo,
                    field.format.hi,
                )
                for port in self._ports
                for position, field in enumerate(port.fields)
            ]
        )

    def _make_tape(self, kept: Sequence[int]) -> _kernel.Tape | None:
        """Instructions for the values `kept`; None where int64 is too small."""
        if self._avoids_kernel:
            return None
        program = self.program
        ends = np.cumsum([0, *(len(port.fields) for port in self._ports)], dtype=np.int32)
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
                tables=[(t.base, _modulo_int64(t.contents)) for t in program.tables],
                kept=np.array(kept, np.int32),
                first_field=ends[:-1],
                fields=int(ends[-1]),
            )
        except OverflowError:
            return None

    def _evaluate(
        self,
        tape: _kernel.Tape,
        inputs: list[np.ndarray],
        outputs: list[np.ndarray],
        kept: Kept,
        samples: int,
    ) -> None:
        fault = _kernel.evaluate(
            tape, self._fields, inputs, outputs, kept, samples, threads=self.threads
        )
        if fault is not None:
            self._refuse(inputs, *fault)

    def _refuse(self, inputs: list[np.ndarray], sample: int, number: int, why: str) -> None:
        """Raise the error for field `number`, counted through all ports."""
        for port, given in zip(self._ports, inputs, strict=True):
            if number < len(port.fields):
                if given.dtype.kind == "f":
                    element = port.fields[number].element
                    port.refuse(number, sample, given[sample, element], why)
                port.refuse_mantissa(number, sample, given[sample, number])
            number -= len(port.fields)

    # -- Python ints ----------------------------------------------------------

    def _evaluate_exactly(
        self, given: list[np.ndarray], samples: int, wanted: Sequence[int]
    ) -> list[list[int]]:
        for port, array in zip(self._ports, given, strict=True):
            port.check_integers(array)
        return evaluate_exactly(self.program, given, samples, wanted)

    def _matrix(
        self, columns: Sequence[Sequence[int]], samples: int, values: Sequence[int]
    ) -> np.ndarray:
        return _integer_matrix(columns, samples, not any(v in self.program.big for v in values))

    # -- what the user gave -----------------------------------------------------

    def _integers(self, given: Sequence[np.ndarray]) -> tuple[list[np.ndarray], int]:
        arrays = self._one_per_port(given)
        for port, array in zip(self._ports, arrays, strict=True):
            port.check_shape(array, (len(port.fields),), "mantissas")
            if array.dtype.kind not in "iubO":
                raise BadOption(
                    f"input {port.name!r}: mantissas must be integers, not {array.dtype}. "
                    "Floats go through predict or quantize_inputs."
                )
        samples = _common_length(arrays)
        if self._avoids_kernel:
            return arrays, samples
        for port, array in zip(self._ports, arrays, strict=True):
            if array.dtype in (object, np.uint64):
                port.check_integers(array)  # may be beyond int64
        return [np.ascontiguousarray(array, np.int64) for array in arrays], samples

    def _numbers(self, given: Sequence[np.ndarray]) -> tuple[list[np.ndarray], int]:
        """What predict is given, (samples, elements): floats, or wide integers as objects."""
        arrays = [_as_python_ints(array) for array in self._one_per_port(given)]
        for port, array in zip(self._ports, arrays, strict=True):
            port.check_shape(array, port.shape, "floats")
            if array.dtype.kind not in "fiub" and not _are_integers(array):
                raise BadOption(f"input {port.name!r}: give floats, not {array.dtype}")
        samples = _common_length(arrays)
        sizes = [_size(port) for port in self.program.inputs]
        return [
            np.ascontiguousarray(array.reshape(samples, size), _float_kind(array))
            for array, size in zip(arrays, sizes, strict=True)
        ], samples

    def _one_per_port(self, given: Sequence[np.ndarray]) -> list[np.ndarray]:
        if len(given) != len(self._ports):
            raise BadOption(f"the model has {len(self._ports)} inputs and {len(given)} were given")
        return [np.asarray(array) for array in given]


def _output_values(program: Program) -> list[list[int]]:
    """Per output port the value of each field."""
    found = [[-1] * len(port.fields) for port in program.outputs]
    for v in program.values_of(output).tolist():
        attributes = program[v].attributes
        found[attributes["port"]][attributes["field"]] = v
    return found


def _every_column(ports: Sequence[Sequence[object]]) -> Kept:
    return [(p, column, 1.0) for p, port in enumerate(ports) for column in range(len(port))]


def _modulo_int64(numbers: np.ndarray) -> np.ndarray:
    """Modulo 2**64: a result that fits int64, or is wrapped below it, is the same."""
    if numbers.dtype != object:
        return np.ascontiguousarray(numbers, np.int64)
    return np.array([wrap(n, -_INT64, 64) for n in numbers.tolist()], np.int64)


def _integer_matrix(columns: Sequence[Sequence[int]], samples: int, fits_int64: bool) -> np.ndarray:
    matrix = np.empty((samples, len(columns)), np.int64 if fits_int64 else object)
    for n, column in enumerate(columns):
        matrix[:, n] = column
    return matrix


def _as_floats(mantissas: np.ndarray, port: ProgramPort) -> np.ndarray:
    floats = np.zeros((len(mantissas), _size(port)))
    for n, field in enumerate(port.fields):
        column = mantissas[:, n].astype(np.float64)
        floats[:, field.element] = np.ldexp(column, field.format.exponent)
    return floats.reshape(len(mantissas), *port.shape)


def _common_length(arrays: list[np.ndarray]) -> int:
    counts = sorted({len(array) for array in arrays})
    if len(counts) > 1:
        raise BadOption(
            f"the inputs have {counts[0]} and {counts[-1]} samples: give as many of each"
        )
    return counts[0] if counts else 1


def _size(port: ProgramPort) -> int:
    return int(np.prod(port.shape, dtype=np.int64))


def _are_integers(array: np.ndarray) -> bool:
    return array.dtype == object and all(isinstance(n, int | np.integer) for n in array.flat)


def _as_python_ints(array: np.ndarray) -> np.ndarray:
    """Integers in an object array, of any kind, as Python ints; other arrays as they are."""
    if not _are_integers(array):
        return array
    return np.array([int(n) for n in array.flat], object).reshape(array.shape)


def _has_wide_integers(arrays: Sequence[np.ndarray]) -> bool:
    return any(array.dtype == object for array in arrays)


def _float_kind(array: np.ndarray) -> type:
    """float64 also for integers that it holds; others stay what they are."""
    if array.dtype.kind in "iuO" and np.any((array > 2**53) | (array < -(2**53))):
        return object
    return np.float32 if array.dtype in (np.float32, np.float16) else np.float64
