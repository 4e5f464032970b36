"""Exact arithmetic on single wires: the smallest steps of symbolic execution.

Every function takes wires of the tracer's builder and gives a new one. What is
constant is folded on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..fixed import exact, limits
from ..fixed.quantize import quantize as quantize_integer
from ..ir import Builder
from .tracer import Tracer


@dataclass(frozen=True, slots=True)
class Constant:
    """``mantissa * 2**exponent``."""

    mantissa: int
    exponent: int

    def __add__(self, other: Constant) -> Constant:
        if not self.mantissa:
            return other
        if not other.mantissa:
            return self
        exponent = min(self.exponent, other.exponent)
        return Constant(self.at(exponent) + other.at(exponent), exponent)

    def __mul__(self, other: Constant) -> Constant:
        return Constant(self.mantissa * other.mantissa, self.exponent + other.exponent)

    def at(self, exponent: int) -> int:
        """The mantissa at a finer exponent."""
        return self.mantissa << (self.exponent - exponent)

    @classmethod
    def of(cls, number: float | int) -> Constant:
        """A finite float or an integer of any size, exactly."""
        made = exact(number)
        return cls(int(made.mantissa[()]), int(made.exponent[()]))


ZERO = Constant(0, 0)
ONE = Constant(1, 0)
MINUS_ONE = Constant(-1, 0)


@dataclass(frozen=True, slots=True)
class ElementQuantizer:
    """What happens to one number: ``scaler * q(x / scaler)``, where the caller multiplies back."""

    k: int
    i: int
    f: int
    rounding: str
    overflow: str
    scaler: float = 1.0


def combination(
    tracer: Tracer,
    wires: Sequence[int],
    weights: Sequence[Constant],
    constant: Constant,
    group: int,
) -> int:
    """``sum(weight * wire) + constant``, one linear combination."""
    builder = tracer.builder
    intervals, exponents = builder.intervals, builder.exponents
    terms: list[tuple[int, int, int]] = []
    for wire, weight in zip(wires, weights, strict=True):
        if not weight.mantissa:
            continue
        lo, hi = intervals[wire]
        exponent = exponents[wire] + weight.exponent
        if lo == hi:
            constant += Constant(lo * weight.mantissa, exponent)
        else:
            terms.append((wire, weight.mantissa, exponent))
    if not terms:
        return builder.const(constant.mantissa, constant.exponent)
    finest = min(e for _, _, e in terms)
    if constant.mantissa:
        finest = min(finest, constant.exponent)
    elif len(terms) == 1 and terms[0][1] == 1:
        return at_exponent(builder, terms[0][0], finest)
    operands = [wire for wire, _, _ in terms]
    scaled = [mantissa << (e - finest) for _, mantissa, e in terms]
    if constant.mantissa:
        operands.append(builder.const(constant.at(finest), finest))
        scaled.append(1)
    return builder.lincomb(operands, scaled, group, exponent=finest)


def at_exponent(builder: Builder, wire: int, exponent: int) -> int:
    """The same mantissa, standing for another power of two."""
    if builder.exponents[wire] == exponent:
        return wire
    return builder.slice(wire, 0, exponent=exponent)


def aligned(builder: Builder, wire: int, exponent: int) -> int:
    """The same value at a finer exponent."""
    shift = builder.exponents[wire] - exponent
    return wire if shift == 0 else builder.slice(wire, -shift)


def constant_of(builder: Builder, wire: int) -> Constant | None:
    """The number that a constant wire holds."""
    lo, hi = builder.intervals[wire]
    return Constant(lo, builder.exponents[wire]) if lo == hi else None


def product(tracer: Tracer, a: int, b: int, group: int) -> int:
    """``a * b``: a multiplier, or a linear combination where one of them is constant."""
    builder = tracer.builder
    for x, y in ((a, b), (b, a)):
        factor = constant_of(builder, y)
        if factor is not None:
            return combination(tracer, [x], [factor], ZERO, group)
    return builder.mul(a, b)


def negated(tracer: Tracer, wire: int) -> int:
    """``-wire``."""
    return combination(tracer, [wire], [MINUS_ONE], ZERO, tracer.new_group())


def relu(builder: Builder, wire: int) -> int:
    """``max(wire, 0)``."""
    return wire if builder.intervals[wire][0] >= 0 else builder.relu(wire)


def absolute(builder: Builder, wire: int) -> int:
    """``abs(wire)``."""
    return wire if builder.intervals[wire][0] >= 0 else builder.abs(wire)


def maximum(builder: Builder, a: int, b: int) -> int:
    """The greater of two; the one that is never less where the intervals tell."""
    return _extremum(builder, a, b, builder.max, _never_less)


def minimum(builder: Builder, a: int, b: int) -> int:
    """The lesser of two."""
    return _extremum(builder, a, b, builder.min, lambda *x: _never_less(x[0], x[2], x[1]))


def _extremum(
    builder: Builder,
    a: int,
    b: int,
    choose: Callable[[int, int, int], int],
    wins: Callable[[Builder, int, int], bool],
) -> int:
    if wins(builder, a, b):
        return a
    if wins(builder, b, a):
        return b
    return choose(a, b, builder.exponents[b] - builder.exponents[a])


def _never_less(builder: Builder, a: int, b: int) -> bool:
    least = Constant(builder.intervals[a][0], builder.exponents[a])
    most = Constant(builder.intervals[b][1], builder.exponents[b])
    exponent = min(least.exponent, most.exponent)
    return least.at(exponent) >= most.at(exponent)


def compare(builder: Builder, a: int, b: int, relation: str) -> int:
    """One bit: ``a`` relates so to ``b``; `relation` is one of ``ir.operations.RELATIONS``."""
    return builder.compare(a, b, relation, builder.exponents[b] - builder.exponents[a])


def select(builder: Builder, bit: int, a: int, b: int) -> int:
    """`a` where `bit` is 1, else `b`."""
    chosen = constant_of(builder, bit)
    if chosen is not None:
        return a if chosen.mantissa else b
    if a == b:
        return a
    if builder.intervals[b] == (0, 0):
        return builder.mask(a, bit, when=1)
    if builder.intervals[a] == (0, 0):
        return builder.mask(b, bit, when=0)
    return builder.mux(bit, a, b, builder.exponents[b] - builder.exponents[a])


def bitwise(builder: Builder, a: int, b: int, function: str) -> int:
    """Bit by bit, in two's complement without end."""
    exponent = min(builder.exponents[a], builder.exponents[b])
    a, b = aligned(builder, a, exponent), aligned(builder, b, exponent)
    return builder.bitwise(a, b, function, exponent=exponent)


def quantize(tracer: Tracer, wire: int, q: ElementQuantizer, power: int = 0) -> int:
    """`wire` divided by ``2**power``, rounded and brought into `q`'s format."""
    builder = tracer.builder
    bits = q.i + q.f
    if q.k + bits <= 0:
        return builder.const(0, -q.f)
    wire = at_exponent(builder, wire, builder.exponents[wire] - power)
    shift = -q.f - builder.exponents[wire]
    constant = constant_of(builder, wire)
    if constant is not None:
        given = (shift, q.k, bits, q.rounding, q.overflow)
        return builder.const(quantize_integer(constant.mantissa, *given), -q.f)
    if shift <= 0 and _fits(builder.intervals[wire], shift, q):
        return wire
    return builder.quantize(wire, shift, q.k, bits, q.rounding, q.overflow)


def _fits(interval: tuple[int, int], shift: int, q: ElementQuantizer) -> bool:
    if q.overflow == "WRAP_SM":
        return False
    lo, hi = limits(q.k, q.i + q.f, q.overflow)
    return lo <= interval[0] << -shift and interval[1] << -shift <= hi


def floor_divide(tracer: Tracer, wire: int, divisor: int) -> int:
    """``floor(m / divisor)`` of the mantissa ``m``, exact, at the same exponent.

    A multiplication and a shift: ``m * ceil(2**n / d) >> n`` with the least ``n`` that is
    right for the whole interval. Granlund and Montgomery, "Division by Invariant Integers
    using Multiplication", PLDI 1994, theorem 4.2; negative numbers are moved up first.
    """
    builder = tracer.builder
    lo, hi = builder.intervals[wire]
    moved = -(lo // divisor)  # in quotients: m + moved * divisor >= 0
    greatest = hi + moved * divisor
    n = 0
    while (-(1 << n) % divisor) * greatest >= 1 << n:
        n += 1
    factor = -(-(1 << n) // divisor)
    exponent = builder.exponents[wire]
    offset = Constant(moved * divisor * factor, exponent)
    scaled = combination(tracer, [wire], [Constant(factor, 0)], offset, tracer.new_group())
    quotient = builder.slice(scaled, n + exponent - builder.exponents[scaled], exponent=exponent)
    if not moved:
        return quotient
    back = Constant(-moved, exponent)
    return combination(tracer, [quotient], [ONE], back, tracer.new_group())
