"""Products, tables and comparisons that take too long, as several smaller ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..fixed import wrap
from ..ir import Builder, Table, Value

MOST_HALVINGS = 4
"""Of a factor, or of compared numbers: sixteen pieces."""
MOST_CHOSEN_BITS = 4
"""Address bits that choose between parts of a table: sixteen parts."""

# -- products --------------------------------------------------------------------------------


def in_partial_products(
    builder: Builder, value: Value, operands: list[int], effort: int
) -> int | None:
    """The narrower factor times each of up to ``2**effort`` pieces of the wider one, summed in
    pairs."""
    narrow, wide = sorted(operands, key=lambda o: builder.format(o).width)
    width = builder.format(wide).width
    count = min(1 << effort, width)
    is_finest = 1 << (effort - 1) >= width
    if effort > MOST_HALVINGS or is_finest or any(map(builder.is_constant, operands)):
        return None
    cuts = [width * n // count for n in range(count + 1)]
    parts = [
        _partial(builder, narrow, wide, low, high)
        for low, high in zip(cuts, cuts[1:], strict=False)
    ]
    while len(parts) > 2:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        left = parts[len(parts) & ~1 :]
        parts = [_Partial(builder.row(*_sum(a, b)), a.low) for a, b in pairs] + left
    return builder.row(
        *_sum(*parts),
        interval=value.interval,
        exponent=value.format.exponent,
        wraps=value.is_wrapping,
    )


class _Partial(NamedTuple):
    """``sign * (product << low)``."""

    product: int
    low: int
    sign: int = 1


def _partial(builder: Builder, narrow: int, wide: int, low: int, high: int) -> _Partial:
    """`narrow` times the bits of `wide`; a sign alone is a bit that subtracts."""
    format = builder.format(wide)
    has_sign = format.is_signed and high == format.width
    is_sign = has_sign and high - low == 1
    piece = _bits(builder, wide, low, None if high == format.width and not is_sign else high)
    return _Partial(builder.mul(narrow, piece), low, -1 if is_sign else 1)


def _sum(a: _Partial, b: _Partial) -> tuple[list[int], list[int]]:
    """Operands and weights of the row of both, in steps of the first."""
    return [a.product, b.product], [a.sign, b.sign << (b.low - a.low)]


def _bits(builder: Builder, v: int, low: int, high: int | None) -> int:
    """Bits of `v` as an unsigned number; without `high` all from `low` on, with their sign."""
    lo, hi = builder.intervals[v]
    if high is None:
        if lo >> low == hi >> low:
            return builder.const(lo >> low)
        return builder.slice(v, low) if low else v
    if lo == hi:
        return builder.const(lo >> low & ((1 << (high - low)) - 1))
    return builder.slice(v, low, interval=(0, (1 << (high - low)) - 1), wraps=True)


# -- tables ----------------------------------------------------------------------------------


class InParts:
    """A table as ``2**effort`` smaller ones, and choices between them by the top address bits.

    Equal parts are one table.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, ...], int] = {}

    def __call__(
        self, builder: Builder, value: Value, operands: list[int], effort: int
    ) -> int | None:
        (address,) = operands
        low_bits = builder.format(address).width - effort
        if effort > MOST_CHOSEN_BITS or low_bits < 1 or builder.is_constant(address):
            return None
        within = builder.slice(address, 0, interval=(0, (1 << low_bits) - 1), wraps=True)
        of_words: dict[tuple[int, ...] | None, int | None] = {None: None}
        contents = _parts(builder, value, address, effort)
        for words in filter(None, contents):
            if words not in of_words:
                of_words[words] = self._part(builder, value, within, words)
        parts = [of_words[words] for words in contents]
        for n in range(effort):
            bit = builder.slice(address, low_bits + n, interval=(0, 1), wraps=True)
            pairs = zip(parts[::2], parts[1::2], strict=True)
            parts = [_chosen(builder, value, bit, *pair) for pair in pairs]
        (made,) = parts
        assert made is not None
        builder.intervals[made] = value.interval  # as much as was claimed of the whole table
        return made

    def _part(self, builder: Builder, value: Value, within: int, words: tuple[int, ...]) -> int:
        if len(set(words)) == 1:
            return builder.const(words[0], value.format.exponent)
        if words not in self._numbers:
            fits = all(-(2**63) <= word < 2**63 for word in words)
            builder.tables.append(Table(0, np.array(words, np.int64 if fits else object)))
            self._numbers[words] = len(builder.tables) - 1
        return builder.lookup(within, self._numbers[words], exponent=value.format.exponent)


def _parts(
    builder: Builder, value: Value, address: int, effort: int
) -> list[tuple[int, ...] | None]:
    """Contents by the top bits of the address; None where no address has these."""
    format, table = builder.format(address), builder.tables[value.attributes["table"]]
    size = 1 << (format.width - effort)
    parts: list[tuple[int, ...] | None] = [None] * (1 << effort)
    for top in range(format.lo // size, format.hi // size + 1):
        addresses = range(top * size, (top + 1) * size)
        reached = (min(max(each, format.lo), format.hi) for each in addresses)
        parts[top % len(parts)] = tuple(
            wrap(table.at(each), value.format.container.lo, value.format.width) for each in reached
        )
    return parts


def _chosen(
    builder: Builder, value: Value, bit: int, without: int | None, with_: int | None
) -> int | None:
    if without is None or with_ is None or without == with_:
        return with_ if without is None else without
    return builder.mux(bit, with_, without, exponent=value.format.exponent)


# -- comparisons -----------------------------------------------------------------------------


def in_shorter_comparisons(
    builder: Builder, value: Value, operands: list[int], effort: int
) -> int | None:
    """By halves, `effort` times: the high ones decide, and where they are equal the low ones."""
    if effort > MOST_HALVINGS or value.interval != (0, 1):
        return None
    compared = _Compared(builder, value, operands)
    if compared.top < 1 << effort:
        return None
    made = compared.between(0, compared.top, effort, value.attributes["relation"])
    builder.exponents[made] = value.format.exponent
    return made


class _Compared:
    """Two numbers, moved to a common scale, and comparisons of their bits."""

    def __init__(self, builder: Builder, value: Value, operands: list[int]):
        shift = value.attributes["shift"]
        self.builder = builder
        self.sides = list(zip(operands, (max(-shift, 0), max(shift, 0)), strict=True))
        self.equal: dict[tuple[int, int], int] = {}
        """Where the bits between two ends are the same."""
        self.top = max(builder.format(v).width + shift for v, shift in self.sides)

    def between(self, low: int, high: int, halvings: int, relation: str) -> int:
        """The relation of the bits from `low` to `high`; up to the top they have their signs."""
        if relation == "eq" and (low, high) in self.equal:
            return self.equal[low, high]
        if not halvings or high - low < 2:
            made = self._compare(low, high, relation)
        else:
            made = self._by_halves(low, high, halvings - 1, relation)
        if relation == "eq":
            self.equal[low, high] = made
        return made

    def _by_halves(self, low: int, high: int, halvings: int, relation: str) -> int:
        middle = (low + high) // 2
        below = self.between(low, middle, halvings, relation)
        if relation in ("eq", "ne"):
            above = self.between(middle, high, halvings, relation)
            return self.builder.bitwise(above, below, "and" if relation == "eq" else "or")
        above = self.between(middle, high, halvings, "lt")
        same = self.between(middle, high, halvings, "eq")
        return self.builder.bitwise(above, self.builder.bitwise(same, below, "and"), "or")

    def _compare(self, low: int, high: int, relation: str) -> int:
        (a, shift_a), (b, shift_b) = (self._piece(*side, low, high) for side in self.sides)
        return self.builder.compare(a, b, relation, shift_b - shift_a)

    def _piece(self, v: int, shift: int, low: int, high: int) -> tuple[int, int]:
        """Bits of ``v << shift``, and how far they must be moved still."""
        if high == self.top:
            high_bit = None
        elif high <= shift:
            return self.builder.const(0), 0
        else:
            high_bit = high - shift
        return _bits(self.builder, v, max(low - shift, 0), high_bit), max(shift - low, 0)
