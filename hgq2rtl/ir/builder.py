"""Append operations, get a Program: the only place that lays out columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..fixed import Format
from .operations import (
    MOST_ATTRIBUTES,
    Operation,
    abs_,
    add,
    bitwise,
    compare,
    concat,
    const,
    input_,
    lincomb,
    lookup,
    mask,
    max_,
    min_,
    mul,
    mux,
    output,
    quantize_,
    relu,
    row,
    slice_,
)
from .program import Field, LayerName, Program, ProgramPort, Table, Value, nearest_int64
from .ranges import range_of

_INT64 = 2**63
_ALIGNING = {add, max_, min_, mux}


class Builder:
    """A Program under construction.

    Every method appends one value and returns its number. Without an explicit
    interval a value gets the exact range of its operation. ``builder.at``
    holds the provenance (layer, element) that new values get, ``builder.block``
    the repeated block that they belong to (-1: none).
    """

    def __init__(
        self,
        inputs: Sequence[ProgramPort] = (),
        layers: Sequence[LayerName] = (),
        tables: Sequence[Table] = (),
    ):
        self.inputs = list(inputs)
        self.outputs: list[ProgramPort] = []
        self.layers = list(layers)
        self.tables = list(tables)
        self.at = (-1, -1)
        self.block = -1
        self.operations: list[Operation] = []
        self.operands: list[Sequence[int]] = []
        self.intervals: list[tuple[int, int]] = []
        self.exponents: list[int] = []
        self._attributes: list[Sequence[int]] = []
        self._weights: dict[int, Sequence[int]] = {}
        self._wraps: list[bool] = []
        self._provenance: list[tuple[int, int]] = []
        self._blocks: list[int] = []

    @classmethod
    def like(cls, program: Program) -> Builder:
        """An empty builder with the ports, layers and tables of `program`."""
        builder = cls(program.inputs, program.layers, program.tables)
        builder.outputs = list(program.outputs)
        return builder

    def __len__(self) -> int:
        return len(self.operations)

    # -- any operation ---------------------------------------------------

    def value(
        self,
        which: Operation,
        operands: Sequence[int] = (),
        attributes: Mapping[str, Any] | None = None,
        *,
        interval: tuple[int, int] | None = None,
        exponent: int | None = None,
        wraps: bool = False,
        weights: Sequence[int] = (),
    ) -> int:
        """Append one value of any operation."""
        given = attributes or {}
        if interval is None:
            interval = self._exact_interval(which, operands, given, weights)
        if exponent is None:
            exponent = self._natural_exponent(which, operands, given)
        if which.has_weights:
            self._weights[len(self)] = weights
        row = [a.encode(given.get(a.name, a.default)) for a in which.attributes]
        return self._append(which, operands, row, interval, exponent, wraps)

    def _append(
        self,
        which: Operation,
        operands: Sequence[int],
        row: Sequence[int],
        interval: tuple[int, int],
        exponent: int,
        wraps: bool,
    ) -> int:
        self.operations.append(which)
        self.operands.append(operands)
        self.intervals.append(interval)
        self.exponents.append(exponent)
        self._attributes.append(row)
        self._wraps.append(wraps)
        self._provenance.append(self.at)
        self._blocks.append(self.block)
        return len(self.operations) - 1

    def copy(self, value: Value, operands: Sequence[int]) -> int:
        """Append `value` of another Program, unchanged but for its operands."""
        rows, v = value.program.rows, value.number
        self.at, self.block = rows.provenance[v], rows.block[v]
        which = rows.operation[v]
        if which.has_weights:
            self._weights[len(self)] = value.weights
        return self._append(
            which, operands, rows.attribute[v], rows.interval[v], rows.exponent[v], rows.wraps[v]
        )

    def format(self, v: int) -> Format:
        return Format(*self.intervals[v], self.exponents[v])

    def weights_of(self, v: int) -> Sequence[int]:
        """The coefficients of a linear combination, in the order of its operands."""
        return self._weights[v]

    def is_constant(self, v: int) -> bool:
        lo, hi = self.intervals[v]
        return lo == hi

    def _exact_interval(
        self,
        which: Operation,
        operands: Sequence[int],
        attributes: Mapping[str, Any],
        weights: Sequence[int],
    ) -> tuple[int, int]:
        named = {a.name: attributes.get(a.name, a.default) for a in which.attributes}
        if which.has_weights:
            named = {"weights": weights}
        elif which is lookup:
            named = {"table": self.tables[named["table"]]}
        return range_of[which](*(self.intervals[o] for o in operands), **named)

    def _natural_exponent(
        self, which: Operation, operands: Sequence[int], attributes: Mapping[str, Any]
    ) -> int:
        if which in (compare, bitwise, lookup) or not operands:
            return 0
        # A mux chooses between its second and third operand.
        exponent = self.exponents[operands[1 if which is mux else 0]]
        if which is mul:
            return exponent + self.exponents[operands[1]]
        if which is slice_:
            return exponent + attributes.get("low", 0)
        if which is quantize_:
            return exponent + attributes.get("shift", 0)
        if which in _ALIGNING:
            return exponent + min(attributes.get("shift", 0), 0)
        return exponent

    # -- one method per operation ----------------------------------------

    def input(self, port: int, field: int) -> int:
        format = self.inputs[port].fields[field].format
        return self.value(
            input_,
            attributes={"port": port, "field": field},
            interval=(format.lo, format.hi),
            exponent=format.exponent,
        )

    def const(self, mantissa: int, exponent: int = 0) -> int:
        return self.value(const, interval=(mantissa, mantissa), exponent=exponent)

    def add(self, a: int, b: int, sign: int = 1, shift: int = 0, **format: Any) -> int:
        """``a + sign * (b << shift)``; a negative shift moves `a` instead."""
        return self.value(add, (a, b), {"sign": sign, "shift": shift}, **format)

    def mul(self, a: int, b: int, **format: Any) -> int:
        return self.value(mul, (a, b), **format)

    def slice(self, a: int, low: int = 0, **format: Any) -> int:
        """``a >> low``, or what a narrower format keeps of it."""
        return self.value(slice_, (a,), {"low": low}, **format)

    def concat(self, a: int, b: int, shift: int, **format: Any) -> int:
        """``a + (b << shift)`` with `a` in ``[0, 2**shift)``: wires side by side."""
        return self.value(concat, (a, b), {"shift": shift}, **format)

    def mask(self, a: int, bit: int, when: int = 1, **format: Any) -> int:
        """`a` where `bit` equals `when`, else 0."""
        return self.value(mask, (a, bit), {"when": when}, **format)

    def mux(self, bit: int, a: int, b: int, shift: int = 0, **format: Any) -> int:
        """`a` where `bit` is 1, else ``b << shift``."""
        return self.value(mux, (bit, a, b), {"shift": shift}, **format)

    def compare(self, a: int, b: int, relation: str = "lt", shift: int = 0, **format: Any) -> int:
        """1 where `a` relates so to ``b << shift``, else 0."""
        return self.value(compare, (a, b), {"relation": relation, "shift": shift}, **format)

    def bitwise(self, a: int, b: int, function: str = "and", **format: Any) -> int:
        return self.value(bitwise, (a, b), {"function": function}, **format)

    def lookup(self, a: int, table: int, **format: Any) -> int:
        return self.value(lookup, (a,), {"table": table}, **format)

    def output(self, a: int, port: int, field: int) -> int:
        return self.value(output, (a,), {"port": port, "field": field})

    def lincomb(
        self, operands: Sequence[int], weights: Sequence[int], group: int = 0, **format: Any
    ) -> int:
        """``sum(weight * operand)`` on mantissas; `group` names its linear block."""
        return self.value(lincomb, operands, {"group": group}, weights=weights, **format)

    def row(self, operands: Sequence[int], weights: Sequence[int], **format: Any) -> int:
        """``sum(weight * operand)`` on mantissas, in one carry chain: weights are powers of two,
        perhaps negative, of at most three operands and one constant."""
        return self.value(row, operands, weights=weights, **format)

    def quantize(
        self,
        a: int,
        shift: int,
        k: int,
        bits: int,
        rounding: str = "TRN",
        overflow: str = "WRAP",
        **format: Any,
    ) -> int:
        """See :func:`hgq2rtl.fixed.quantize`."""
        attributes = {
            "shift": shift,
            "k": k,
            "bits": bits,
            "rounding": rounding,
            "overflow": overflow,
        }
        return self.value(quantize_, (a,), attributes, **format)

    def relu(self, a: int, **format: Any) -> int:
        return self.value(relu, (a,), **format)

    def abs(self, a: int, **format: Any) -> int:
        return self.value(abs_, (a,), **format)

    def max(self, a: int, b: int, shift: int = 0, **format: Any) -> int:
        return self.value(max_, (a, b), {"shift": shift}, **format)

    def min(self, a: int, b: int, shift: int = 0, **format: Any) -> int:
        return self.value(min_, (a, b), {"shift": shift}, **format)

    # -- the end ----------------------------------------------------------

    def add_output_port(self, name: str, shape: tuple[int, ...], values: Sequence[int]) -> None:
        """Make `values` (C order over `shape`) an output port with their formats."""
        fields = tuple(Field(n, self.format(v)) for n, v in enumerate(values))
        self.outputs.append(ProgramPort(name, shape, fields))
        for n, v in enumerate(values):
            self.output(v, len(self.outputs) - 1, n)

    def build(self) -> Program:
        """The finished Program. The builder may go on and build again."""
        n = len(self)
        counts = np.fromiter((len(o) for o in self.operands), np.int64, n)
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        operand = np.fromiter((o for row in self.operands for o in row), np.int32, int(start[-1]))
        lo, hi, big = _interval_columns(self.intervals)
        return Program(
            operation=np.fromiter((o.code for o in self.operations), np.uint8, n),
            start=start,
            operand=operand,
            weight=self._weight_column(start),
            attribute=self._attribute_columns(),
            lo=lo,
            hi=hi,
            big=big,
            exponent=np.array(self.exponents, np.int32),
            wraps=np.array(self._wraps, bool),
            layer=np.fromiter((p[0] for p in self._provenance), np.int32, n),
            element=np.fromiter((p[1] for p in self._provenance), np.int32, n),
            block=np.array(self._blocks, np.int32),
            inputs=tuple(self.inputs),
            outputs=tuple(self.outputs),
            layers=tuple(self.layers),
            tables=tuple(self.tables),
        )

    def _weight_column(self, start: np.ndarray) -> np.ndarray:
        fits = all(-_INT64 <= w < _INT64 for row in self._weights.values() for w in row)
        column = np.zeros(int(start[-1]), np.int64 if fits else object)
        for v, weights in self._weights.items():
            column[start[v] : start[v + 1]] = weights
        return column

    def _attribute_columns(self) -> np.ndarray:
        padding = [[0] * (MOST_ATTRIBUTES - n) for n in range(MOST_ATTRIBUTES + 1)]
        rows = [[*row, *padding[len(row)]] for row in self._attributes]
        return np.array(rows, np.int64).reshape(-1, MOST_ATTRIBUTES)


def _interval_columns(
    intervals: Sequence[tuple[int, int]],
) -> tuple[np.ndarray, np.ndarray, dict[int, tuple[int, int]]]:
    try:
        both = np.array(intervals, np.int64).reshape(-1, 2)
        return both[:, 0].copy(), both[:, 1].copy(), {}
    except OverflowError:
        big = {
            v: each
            for v, each in enumerate(intervals)
            if not (-_INT64 <= each[0] and each[1] < _INT64)
        }
        both = np.array([nearest_int64(*each) for each in intervals], np.int64).reshape(-1, 2)
        return both[:, 0].copy(), both[:, 1].copy(), big
