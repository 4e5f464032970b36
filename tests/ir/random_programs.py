"""Random sound Programs, and inputs that reach their corners.

Seeded and small: every operation and attribute, operands at all scales, marked
wraps, constants, zero widths, dead values. What a pass or an evaluator gets wrong
on real models it gets wrong here first.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hgq2rtl.fixed import OVERFLOWS, ROUNDINGS, Format, bit_width
from hgq2rtl.ir import Builder, Field, LayerName, Program, ProgramPort, Table, verify
from hgq2rtl.ir.operations import (
    FUNCTIONS,
    RELATIONS,
    Operation,
    abs_,
    add,
    bitwise,
    compare,
    concat,
    lincomb,
    lookup,
    mask,
    max_,
    min_,
    mul,
    mux,
    quantize_,
    relu,
    row,
    slice_,
)
from hgq2rtl.ir.ranges import range_of

WIDTHS = (4, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 80)
"""Widest formats worth trying: at the edges of machine integers, and beyond."""


def random_program(
    seed: int, size: int = 40, widest: int = 15, with_macros: bool = True
) -> Program:
    """A sound Program of about `size` values.

    Parameters
    ----------
    seed : int
        Equal seeds give equal Programs.
    widest : int
        Bits of the widest value; results beyond it are wrapped.
    with_macros : bool
        Also the operations that a pass expands.
    """
    return _Writer(random.Random(seed), widest, with_macros).write(size)


def random_mantissas(program: Program, samples: int, seed: int = 0) -> list[np.ndarray]:
    """Per input port (samples, fields): all least, all greatest, zeros, then any mix."""
    rng = random.Random(seed)
    ports = []
    for port in program.inputs:
        formats = [field.format for field in port.fields]
        fits = all(-(2**63) <= f.lo and f.hi < 2**63 for f in formats)
        rows = np.empty((samples, len(formats)), np.int64 if fits else object)
        for n, format in enumerate(formats):
            column = [_mantissa(rng, format, sample) for sample in range(samples)]
            rows[:, n] = column
        ports.append(rows)
    return ports


def _mantissa(rng: random.Random, format: Format, sample: int) -> int:
    zero = min(max(0, format.lo), format.hi)
    corners = (format.lo, format.hi, zero)
    if sample < len(corners):
        return corners[sample]
    if rng.random() < 0.3:
        return rng.choice((*corners, max(format.lo, zero - 1), min(format.hi, zero + 1)))
    return rng.randint(format.lo, format.hi)


class _Writer:
    """Writes one Program; `values` are those that operands are taken from."""

    def __init__(self, rng: random.Random, widest: int, with_macros: bool):
        self.rng = rng
        self.widest = widest
        layers = [LayerName("first", "QDense"), LayerName("second", "QDense")]
        self.builder = Builder(self._input_ports(), layers)
        self.values: list[int] = []
        self.kinds: list[Callable[[], int]] = [
            *[self._add] * 4,
            self._const,
            lambda: self._value(mul, self._some(2)),
            *[self._slice] * 2,
            self._concat,
            lambda: self._value(mask, [self._any(), self._bit()], when=rng.randint(0, 1)),
            lambda: self._value(mux, [self._bit(), *self._some(2)], shift=self._shift()),
            self._compare,
            lambda: self._value(bitwise, self._some(2), function=rng.choice(FUNCTIONS)),
            self._lookup,
            *[self._row] * 3,
        ]
        if with_macros:
            self.kinds += [
                *[self._lincomb] * 2,
                *[self._quantize] * 4,
                lambda: self._value(relu, self._some(1)),
                lambda: self._value(abs_, self._some(1)),
                lambda: self._value(max_, self._some(2), shift=self._shift()),
                lambda: self._value(min_, self._some(2), shift=self._shift()),
            ]

    def write(self, size: int) -> Program:
        builder = self.builder
        for p, port in enumerate(builder.inputs):
            self.values += [builder.input(p, f) for f in range(len(port.fields))]
        while len(builder) < size:
            builder.at = self.rng.choice([(-1, -1), (0, len(builder)), (1, len(builder))])
            self.values.append(self.rng.choice(self.kinds)())
        for name in ("y", "z")[: self.rng.randint(1, 2)]:
            chosen = self._some(self.rng.randint(1, 5))
            builder.add_output_port(name, (len(chosen),), chosen)
        return verify(builder.build())

    def _value(
        self, which: Operation, operands: list[int], weights: Sequence[int] = (), **given: Any
    ) -> int:
        """Append a value: of its exact range, or wrapped, by chance or because it is too wide."""
        intervals = [self.builder.intervals[o] for o in operands]
        named = {"weights": weights} if which.has_weights else given
        if which is lookup:
            named = {"table": self.builder.tables[given["table"]]}
        exact = range_of[which](*intervals, **named)
        format: dict[str, Any] = {}
        if bit_width(*exact) > self.widest or self.rng.random() < 0.2:
            wrapped = Format.of_width(self.rng.randint(0, self.widest), self.rng.random() < 0.6)
            format = {"interval": (wrapped.lo, wrapped.hi), "wraps": True}
        return self.builder.value(which, operands, given, weights=weights, **format)

    # -- choices -------------------------------------------------------------

    def _input_ports(self) -> list[ProgramPort]:
        ports = []
        for name in ("x", "w")[: self.rng.choice((1, 1, 2))]:
            elements = self.rng.randint(1, 4)
            fields = [Field(e, self._port_format()) for e in range(elements)]
            if self.rng.random() < 0.3:
                fields.append(Field(elements - 1, self._port_format()))
            ports.append(ProgramPort(name, (elements,), tuple(fields)))
        return ports

    def _port_format(self) -> Format:
        width = self.rng.randint(1, self.widest)
        full = Format.of_width(width, self.rng.random() < 0.7, self.rng.randint(-6, 2))
        if self.rng.random() < 0.8:
            return full
        ends = sorted((self.rng.randint(full.lo, full.hi), self.rng.randint(full.lo, full.hi)))
        return Format(*ends, full.exponent)

    def _any(self) -> int:
        """Any value, rather one of the last."""
        values = self.values
        return self.rng.choice(values if self.rng.random() < 0.4 else values[-8:])

    def _some(self, count: int) -> list[int]:
        return [self._any() for _ in range(count)]

    def _bit(self) -> int:
        bits = [v for v in self.values if self.builder.intervals[v] == (0, 1)]
        return self.rng.choice(bits) if bits and self.rng.random() < 0.6 else self._compare()

    def _shift(self) -> int:
        return self.rng.choice((0, 0, 1, -1, 2, 3, -3, self.rng.randint(-self.widest, self.widest)))

    # -- operations ------------------------------------------------------------

    def _const(self) -> int:
        format = self._port_format()
        return self.builder.const(self.rng.randint(format.lo, format.hi), format.exponent)

    def _add(self) -> int:
        return self._value(add, self._some(2), sign=self.rng.choice((1, -1)), shift=self._shift())

    def _slice(self) -> int:
        low = self.rng.choice((0, 1, 2, 3, -2, self.widest // 2, self.widest + 3))
        return self._value(slice_, self._some(1), low=low)

    def _concat(self) -> int:
        below = self.builder.slice(self._any(), 0, interval=(0, 7), wraps=True)
        return self._value(concat, [below, self._any()], shift=self.rng.randint(3, 6))

    def _compare(self) -> int:
        given = {"relation": self.rng.choice(RELATIONS), "shift": self._shift()}
        return self.builder.value(compare, self._some(2), given)

    def _lookup(self) -> int:
        index = Format.of_width(self.rng.randint(1, min(self.widest, 6)), self.rng.random() < 0.5)
        a = self.builder.slice(self._any(), 0, interval=(index.lo, index.hi), wraps=True)
        content = self._port_format()
        size = index.hi - index.lo + 1 + self.rng.randint(0, 2)
        contents = [self.rng.randint(content.lo, content.hi) for _ in range(size)]
        fits = -(2**63) <= min(contents) and max(contents) < 2**63
        self.builder.tables.append(
            Table(index.lo, np.array(contents, np.int64 if fits else object))
        )
        return self._value(lookup, [a], table=len(self.builder.tables) - 1)

    def _row(self) -> int:
        """Up to two operands and a constant: a third one finds room by chance only."""
        operands = self._some(self.rng.randint(1, 2))
        if self.rng.random() < 0.5:
            operands.append(self._const())
        signs = [self.rng.choice((1, -1)) for _ in operands]
        shifts = [self.rng.choice((0, 0, 1, 3, self.widest)) for _ in operands]
        weights = [sign << shift for sign, shift in zip(signs, shifts, strict=True)]
        return self._value(row, operands, weights)

    def _lincomb(self) -> int:
        operands = self._some(self.rng.randint(0, 9))
        bits = self.rng.choice((2, 4, self.widest))
        weights = [self.rng.randint(-(1 << bits), 1 << bits) for _ in operands]
        return self._value(lincomb, operands, weights, group=self.rng.randint(0, 2))

    def _quantize(self) -> int:
        shifts = (0, 1, 2, 3, 5, -1, -3, self.rng.randint(-self.widest, self.widest))
        return self._value(
            quantize_,
            self._some(1),
            shift=self.rng.choice(shifts),
            k=self.rng.randint(0, 1),
            bits=self.rng.choice((0, 1, 3, self.rng.randint(0, self.widest), self.widest + 2)),
            rounding=self.rng.choice(ROUNDINGS),
            overflow=self.rng.choice(OVERFLOWS),
        )
