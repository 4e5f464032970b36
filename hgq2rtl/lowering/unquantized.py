"""Numbers that are no wires yet: only a quantizer gives them finitely many bits.

Three kinds: a model input that nothing has read, a float function of a wire,
and a quotient that has no finite binary form. Moving them about costs nothing;
the quantizer that follows makes an input field, a table, or a division.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import NeedsInputFormat, NotExact
from ..ir.operations import lincomb, slice_
from . import wires
from .tables import lookup
from .tracer import Tracer
from .wires import ONE, ZERO, Constant, ElementQuantizer

ArrayFunction = Callable[..., Any]
"""Takes and gives float arrays, element by element."""


class Unquantized(ABC):
    """Something that `quantize` turns into a wire."""

    @abstractmethod
    def quantize(self, tracer: Tracer, q: ElementQuantizer) -> int:
        """The wire of ``q(self / scaler)``; the caller multiplies back."""

    @abstractmethod
    def refusal(self, where: str) -> NotExact | NeedsInputFormat:
        """Why it is no number, where arithmetic or an output needs one."""

    def source(self, where: str) -> tuple[int, ArrayFunction]:
        """The wire and the function that it is of."""
        raise self.refusal(where)

    def linear(self, tracer: Tracer, factor: Constant, offset: Constant) -> Unquantized:
        """``self * factor + offset``."""
        wire, function = self.source(tracer.where)
        kind = np.dtype(tracer.float_type).type
        scale, shift = (kind(np.ldexp(float(c.mantissa), c.exponent)) for c in (factor, offset))
        return FunctionOf(wire, lambda x: function(x) * scale + shift, tracer.float_type)

    def relu(self, tracer: Tracer) -> Unquantized:
        """``max(self, 0)``."""
        wire, function = self.source(tracer.where)
        return FunctionOf(wire, lambda x: np.maximum(function(x), 0), tracer.float_type)


@dataclass(frozen=True, eq=False)
class RawInput(Unquantized):
    """An element of a model input: a float of the outside world."""

    element: int
    read: Callable[[int, ElementQuantizer, str], int]
    """Takes element, quantizer and float type; gives the wire of an input field."""

    def quantize(self, tracer: Tracer, q: ElementQuantizer) -> int:
        return self.read(self.element, q, tracer.float_type)

    def refusal(self, where: str) -> NeedsInputFormat:
        return NeedsInputFormat(
            f"{where} needs the value of a model input that nothing quantizes. Give the input a "
            "format (--input-format k,i,f), or put a quantizer in front."
        )


@dataclass(frozen=True, eq=False)
class FunctionOf(Unquantized):
    """``function(wire)`` in floats; a quantizer makes it a table."""

    wire: int
    function: ArrayFunction
    float_type: str

    def quantize(self, tracer: Tracer, q: ElementQuantizer) -> int:
        return lookup(tracer, self.wire, self.function, q, self.float_type)

    def refusal(self, where: str) -> NotExact:
        return NotExact(
            f"{where} needs the exact value of a function that has none. Put a quantizer "
            "behind the function (a QUnaryFunctionLUT, or a Quantizer): it becomes a table."
        )

    def source(self, where: str) -> tuple[int, ArrayFunction]:
        return self.wire, self.function


@dataclass(frozen=True, eq=False)
class Quotient(Unquantized):
    """``wire / divisor``, an odd divisor above 1: exact as a fraction, endless in binary."""

    wire: int
    divisor: int

    def quantize(self, tracer: Tracer, q: ElementQuantizer) -> int:
        return _quantize_quotient(tracer, self.wire, self.divisor, q)

    def refusal(self, where: str) -> NotExact:
        return NotExact(
            f"{where} needs the exact value of a division by {self.divisor}, which has no finite "
            "binary form. Put a quantizer behind the division, or divide by a power of two."
        )

    def source(self, where: str) -> tuple[int, ArrayFunction]:
        return self.wire, lambda x: x / x.dtype.type(self.divisor)

    def linear(self, tracer: Tracer, factor: Constant, offset: Constant) -> Unquantized:
        offset = Constant(offset.mantissa * self.divisor, offset.exponent)
        made = wires.combination(tracer, [self.wire], [factor], offset, tracer.new_group())
        return Quotient(made, self.divisor)

    def relu(self, tracer: Tracer) -> Unquantized:
        return Quotient(wires.relu(tracer.builder, self.wire), self.divisor)


def sum_of_quotients(
    tracer: Tracer, numbers: Sequence[int], weights: Sequence[Constant]
) -> int | None:
    """``sum(weight * number)`` as one quotient; None where a number is neither that nor a wire."""
    fractions = [_fraction(tracer, number) for number in numbers]
    if not all(fractions):
        return None
    known = [fraction for fraction in fractions if fraction]
    divisor = math.lcm(*(each for _, each in known))
    scaled = [
        weight * Constant(divisor // each, 0)
        for weight, (_, each) in zip(weights, known, strict=True)
    ]
    sources = [wire for wire, _ in known]
    made = wires.combination(tracer, sources, scaled, ZERO, tracer.new_group())
    return tracer.defer(Quotient(made, divisor))


def _fraction(tracer: Tracer, number: int) -> tuple[int, int] | None:
    """A wire and its divisor."""
    if number >= 0:
        return number, 1
    value = tracer.deferred(number)
    return (value.wire, value.divisor) if isinstance(value, Quotient) else None


def function_of(tracer: Tracer, function: ArrayFunction, operands: Sequence[int | Constant]) -> int:
    """``function(*operands)`` in floats, where all that varies is one wire.

    Raises
    ------
    NotExact
        If it is a function of two different wires: a table takes one.
    """
    sources = [_source(tracer, operand) for operand in operands]
    wires = {wire for wire, _ in sources if wire is not None}
    if len(wires) > 1:
        sources = [_from_root(tracer, *source) for source in sources]
        wires = {wire for wire, _ in sources if wire is not None}
    if len(wires) > 1:
        raise NotExact(
            f"{tracer.where} is a function of two numbers that has no exact value. Quantize one of "
            "them first: a table has one input."
        )
    parts = [part for _, part in sources]
    wire = wires.pop() if wires else tracer.constant(0, 0)
    made = FunctionOf(wire, lambda x: function(*(part(x) for part in parts)), tracer.float_type)
    return tracer.defer(made)


def _source(tracer: Tracer, operand: int | Constant) -> tuple[int | None, ArrayFunction]:
    """The wire that an operand is a function of, None for a constant; and the function."""
    if isinstance(operand, Constant):
        value = np.dtype(tracer.float_type).type(
            np.ldexp(float(operand.mantissa), operand.exponent)
        )
        return None, lambda x: np.full_like(x, value)
    if operand >= 0:
        return operand, lambda x: x
    return tracer.deferred(operand).source(tracer.where)


def _from_root(
    tracer: Tracer, wire: int | None, function: ArrayFunction
) -> tuple[int | None, ArrayFunction]:
    """A function of ``-x`` or ``2 * x + 1`` as one of ``x``."""
    builder = tracer.builder
    factor, offset = ONE, ZERO
    while wire is not None and builder.operations[wire] in (lincomb, slice_):
        step = _linear_step(tracer, wire)
        if step is None:
            break
        wire, own_factor, own_offset = step
        factor, offset = own_factor * factor, own_offset * factor + offset
    if (factor, offset) == (ONE, ZERO):
        return wire, function
    scale, shift = (np.ldexp(float(c.mantissa), c.exponent) for c in (factor, offset))
    return wire, lambda x: function((x.astype(np.float64) * scale + shift).astype(x.dtype))


def _linear_step(tracer: Tracer, wire: int) -> tuple[int, Constant, Constant] | None:
    """``wire == factor * source + offset``, if it is that."""
    builder = tracer.builder
    operands, exponent = builder.operands[wire], builder.exponents[wire]
    if builder.operations[wire] is slice_:
        (source,) = operands
        if builder.intervals[source] != builder.intervals[wire]:
            return None  # bits are dropped
        return source, Constant(1, exponent - builder.exponents[source]), ZERO
    terms = list(zip(operands, builder.weights_of(wire), strict=True))
    variable = [(o, weight) for o, weight in terms if wires.constant_of(builder, o) is None]
    if len(variable) != 1:
        return None
    total = sum(weight * builder.intervals[o][0] for o, weight in terms if o != variable[0][0])
    source, weight = variable[0]
    factor = Constant(weight, exponent - builder.exponents[source])
    return source, factor, Constant(total, exponent)


def quantize_scaled(tracer: Tracer, wire: int, divisor: int, q: ElementQuantizer) -> int:
    """``q(wire / divisor / scaler)`` with any scaler: its odd part joins the divisor."""
    scaler = Constant.of(q.scaler)
    odd, sign = abs(scaler.mantissa), 1 if scaler.mantissa > 0 else -1
    power_only = replace(q, scaler=sign * 2.0**scaler.exponent)
    return _quantize_quotient(tracer, wire, divisor * odd, power_only)


def _quantize_quotient(tracer: Tracer, wire: int, divisor: int, q: ElementQuantizer) -> int:
    """Round ``wire / divisor`` exactly: by twice the quotient, and whether a rest remains."""
    builder = tracer.builder
    scaler = Constant.of(q.scaler)
    if abs(scaler.mantissa) != 1:
        return quantize_scaled(tracer, wire, divisor, q)
    # Twice the value in units of the result is 2 * m * 2**(e + f) / divisor.
    shift = builder.exponents[wire] - scaler.exponent + q.f + 1
    numerator = wires.at_exponent(builder, wire, 0)
    if scaler.mantissa < 0:
        numerator = wires.negated(tracer, numerator)
    if shift >= 0:
        numerator = builder.slice(numerator, -shift, exponent=0)
    else:
        divisor <<= -shift
    halves = wires.floor_divide(tracer, numerator, divisor)
    target = ElementQuantizer(q.k, q.i + q.f, 0, q.rounding, q.overflow)
    if q.rounding in ("TRN", "RND") and q.overflow != "WRAP_SM":
        return wires.at_exponent(builder, wires.quantize(tracer, halves, target, power=1), -q.f)
    weights = [Constant(1, 0), Constant(-divisor, 0)]
    rest = wires.combination(tracer, [numerator, halves], weights, ZERO, tracer.new_group())
    has_rest = wires.compare(builder, rest, tracer.constant(0, 0), "ne")
    quarters = wires.combination(
        tracer, [halves, has_rest], [Constant(2, 0), Constant(1, 0)], ZERO, tracer.new_group()
    )
    return wires.at_exponent(builder, wires.quantize(tracer, quarters, target, power=2), -q.f)
