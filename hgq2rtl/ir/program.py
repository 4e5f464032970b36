"""The Program: one SSA list of wire-level operations, stored as columns.

Value ``v`` is row ``v`` of every column and may use only values before it. A
value is the exact meaning of its operation *reduced modulo its format*: where
``wraps`` is set, to the two's complement (or unsigned) number of that width;
elsewhere the format holds every possible result, and the verifier checks it.

Mantissas alone decide the arithmetic. The exponent of a value says what its
mantissa stands for; inputs, outputs and people read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..fixed import Format, bit_widths
from .operations import OPERATIONS, Operation, lookup


@dataclass(frozen=True)
class Field:
    """One number on a port, and how it stands there.

    `element` is the flat (C order) index into the port's shape. An input
    element that is read in several formats has several fields. `format` is
    what the bits can hold. `rounding` and `overflow` say how a float becomes
    this field's integer (inputs only); ``EXACT`` takes only numbers that fit.
    """

    element: int
    format: Format
    rounding: str = "EXACT"
    overflow: str = "EXACT"
    scaler: float = 1.0
    keeps_negative: bool | None = None
    """The quantizer's own sign bit where the format does not tell it: HGQ's unsigned
    ``WRAP_SM`` gives negative numbers. None: as the format."""
    float_type: str = "float32"
    """What the quantizer computes in, one of ``fixed.FLOAT_TYPES`` (see ``fixed.quantize_float``).
    A field that neither rounds, overflows nor scales takes any number that fits."""

    @property
    def kif(self) -> tuple[int, int, int]:
        """Sign, integer and fraction bits of the quantizer."""
        k, i, f = self.format.kif
        return (k if self.keeps_negative is None else int(self.keeps_negative)), i, f


@dataclass(frozen=True)
class ProgramPort:
    """An input or output of the model."""

    name: str
    shape: tuple[int, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class LayerName:
    """Where values come from: a layer of the model."""

    name: str
    class_name: str


@dataclass(frozen=True, eq=False)
class Table:
    """Contents of a lookup: ``contents[a - base]``."""

    base: int
    contents: np.ndarray

    def at(self, a: Any) -> Any:
        if isinstance(a, np.ndarray):
            return self.contents[(a - self.base).astype(np.int64)]
        return int(self.contents[a - self.base])


@dataclass(frozen=True, eq=False, repr=False)
class Program:
    """Columns over all values, and the tables beside them."""

    operation: np.ndarray
    """uint8 (n,): code of the operation."""
    start: np.ndarray
    """int64 (n + 1,): operands of ``v`` are ``operand[start[v]:start[v + 1]]``."""
    operand: np.ndarray
    """int32: values used."""
    weight: np.ndarray
    """int64, or Python ints where those are too small: beside each operand of a
    ``lincomb`` or ``row`` its coefficient, elsewhere 0."""
    attribute: np.ndarray
    """int64 (n, MOST_ATTRIBUTES), encoded."""
    lo: np.ndarray
    hi: np.ndarray
    """int64 (n,): interval of the mantissa; beyond int64 see `big`."""
    big: Mapping[int, tuple[int, int]]
    """Intervals that int64 does not hold."""
    exponent: np.ndarray
    """int32 (n,)."""
    wraps: np.ndarray
    """bool (n,): the result may exceed the format and is reduced."""
    layer: np.ndarray
    element: np.ndarray
    """int32 (n,): provenance, -1 where there is none."""
    block: np.ndarray
    """int32 (n,): values of one number and layer are one copy of a computation that the layer
    repeats (a position of a convolution), -1 where nothing is known to repeat."""
    inputs: tuple[ProgramPort, ...] = ()
    outputs: tuple[ProgramPort, ...] = ()
    layers: tuple[LayerName, ...] = ()
    tables: tuple[Table, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.operation)

    def __getitem__(self, v: int) -> Value:
        return Value(self, v)

    def __iter__(self) -> Iterator[Value]:
        return (Value(self, v) for v in range(len(self)))

    def values_of(self, which: Operation) -> np.ndarray:
        """Numbers of all values that `which` makes, in order."""
        return np.flatnonzero(self.operation == which.code)

    @cached_property
    def rows(self) -> Rows:
        """The columns as Python lists: what walks over single values read."""
        intervals = list(zip(self.lo.tolist(), self.hi.tolist(), strict=True))
        for v, interval in self.big.items():
            intervals[v] = interval
        start, operand = self.start.tolist(), self.operand.tolist()
        return Rows(
            operation=[OPERATIONS[code] for code in self.operation.tolist()],
            operands=[operand[a:b] for a, b in zip(start, start[1:], strict=False)],
            attribute=self.attribute.tolist(),
            interval=intervals,
            exponent=self.exponent.tolist(),
            wraps=self.wraps.tolist(),
            provenance=list(zip(self.layer.tolist(), self.element.tolist(), strict=True)),
            block=self.block.tolist(),
        )

    @cached_property
    def row_plans(self) -> dict[int, Any]:
        """How rows are built, by value: what :func:`~hgq2rtl.ir.rows.plan_row` found so far."""
        return {}

    def interval(self, v: int) -> tuple[int, int]:
        return self.rows.interval[v]

    def is_constant(self, v: int) -> bool:
        lo, hi = self.rows.interval[v]
        return lo == hi

    def format(self, v: int) -> Format:
        return Format(*self.rows.interval[v], self.rows.exponent[v])

    def widths(self) -> np.ndarray:
        """Bits of every value, int64 (n,)."""
        widths = bit_widths(self.lo, self.hi)
        for v in self.big:
            widths[v] = self.format(v).width
        return widths

    def operands_of(self, v: int) -> list[int]:
        return self.rows.operands[v]

    def users(self) -> np.ndarray:
        """How often each value is used, int64 (n,)."""
        return np.bincount(self.operand, minlength=len(self))

    def with_ports(self, inputs: Sequence[ProgramPort], outputs: Sequence[ProgramPort]) -> Program:
        return replace(self, inputs=tuple(inputs), outputs=tuple(outputs))

    def __repr__(self) -> str:
        ports = f"{len(self.inputs)} inputs, {len(self.outputs)} outputs"
        return f"<Program of {len(self)} values, {ports}>"

    def __str__(self) -> str:
        from .text import to_text

        return to_text(self)


def nearest_int64(lo: int, hi: int) -> tuple[int, int]:
    """What `lo` and `hi` hold for an interval of `big`.

    Its sign, and whether it is one number, can be read from the columns alone.
    """
    least, most = -(2**63), 2**63 - 1
    room = int(lo < hi)
    lo = min(max(lo, least), most - room)
    return lo, min(max(hi, lo + room), most)


def integer_array(numbers: Sequence[int]) -> np.ndarray:
    """int64, or Python ints where one of them needs more."""
    fits = all(-(2**63) <= n < 2**63 for n in numbers)
    return np.array(numbers, np.int64 if fits else object)


class Rows(NamedTuple):
    """A Program's columns as lists, one entry per value."""

    operation: list[Operation]
    operands: list[list[int]]
    attribute: list[list[int]]
    """Encoded."""
    interval: list[tuple[int, int]]
    exponent: list[int]
    wraps: list[bool]
    provenance: list[tuple[int, int]]
    block: list[int]


@dataclass(frozen=True, slots=True)
class Value:
    """A view of one row of a Program."""

    program: Program
    number: int

    @property
    def operation(self) -> Operation:
        return self.program.rows.operation[self.number]

    @property
    def operands(self) -> list[int]:
        return self.program.rows.operands[self.number]

    @property
    def format(self) -> Format:
        return self.program.format(self.number)

    @property
    def interval(self) -> tuple[int, int]:
        return self.program.rows.interval[self.number]

    @property
    def is_wrapping(self) -> bool:
        return self.program.rows.wraps[self.number]

    @property
    def provenance(self) -> tuple[int, int]:
        return self.program.rows.provenance[self.number]

    @property
    def block(self) -> int:
        return self.program.rows.block[self.number]

    @property
    def attributes(self) -> dict[str, Any]:
        """By name, words decoded."""
        row = self.program.rows.attribute[self.number]
        return {
            a.name: a.words[value] if a.words else value
            for a, value in zip(self.operation.attributes, row, strict=False)
        }

    @property
    def weights(self) -> list[int]:
        start = self.program.start
        return self.program.weight[start[self.number] : start[self.number + 1]].tolist()

    def meaning(self, *operands: Any) -> Any:
        """The operation's exact result for these operands: ints or int64 arrays."""
        attributes = self.attributes
        if self.operation.has_weights:
            attributes = {"weights": self.weights}
        elif self.operation is lookup:
            attributes = {"table": self.program.tables[attributes["table"]]}
        meaning = self.operation.meaning
        if meaning is None:
            raise TypeError(f"%{self.number}: {self.operation.name} has its value from outside")
        return meaning(*operands, **attributes)
