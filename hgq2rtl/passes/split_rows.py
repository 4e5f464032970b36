"""A row that takes too long as several: rows of two operands, and segments of its carry chain."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from ..fixed import Format, interval_add, interval_shift
from ..ir import Builder, Value
from ..ir.rows import Operand, RowPlan, exact_constant, plan_chain

MOST_SEGMENTS = 8
LEAST_POSITIONS = 2
"""Of the carry chain of a segment."""


class _Term(NamedTuple):
    """``sign * (operand << shift)``."""

    operand: int
    shift: int
    sign: int


# -- rows of two ---------------------------------------------------------------------------


def in_rows_of_two(builder: Builder, value: Value, operands: list[int], effort: int) -> int | None:
    """A row that adds three bits in some position, as rows that never do.

    Two operands are summed first, to an unsigned number that takes no constant; of three the two
    that leave the least to do.
    """
    terms, constant = _terms(builder, value, operands)
    if effort > 1 or not _is_compressed(_plan(builder, terms, constant, value.format.width)):
        return None
    while len(terms) > 1 and _is_compressed(_plan(builder, terms, constant, value.format.width)):
        pair = min(combinations(terms, 2), key=lambda p: _price(builder, value, terms, p, constant))
        offset, lsb, interval = _unsigned_sum(builder, pair)
        constant -= offset << lsb
        total = _Term(_pair(builder, value, pair, offset, lsb, interval), lsb, 1)
        terms = [*(term for term in terms if term not in pair), total]
    return _row(
        builder,
        terms,
        constant,
        exponent=value.format.exponent,
        interval=value.interval,
        wraps=value.is_wrapping,
    )


def _terms(builder: Builder, value: Value, operands: list[int]) -> tuple[list[_Term], int]:
    """The row's variables, and the sum of its constants."""
    terms, constant = [], 0
    for operand, weight in zip(operands, value.weights, strict=True):
        if builder.is_constant(operand):
            constant += weight * builder.intervals[operand][0]
        else:
            sign = 1 if weight > 0 else -1
            terms.append(_Term(operand, abs(weight).bit_length() - 1, sign))
    return terms, constant


def _operands(builder: Builder, terms: Sequence[_Term], lsb: int = 0) -> list[Operand]:
    formats = [builder.format(term.operand) for term in terms]
    return [
        Operand(n, f.width, f.is_signed, term.shift - lsb, term.sign < 0)
        for n, (term, f) in enumerate(zip(terms, formats, strict=True))
    ]


def _plan(builder: Builder, terms: Sequence[_Term], constant: int, width: int) -> RowPlan | None:
    return plan_chain(_operands(builder, terms), constant, width)


def _is_compressed(plan: RowPlan | None) -> bool:
    return plan is None or any(plan.compressed)


def _interval(builder: Builder, terms: Sequence[_Term], constant: int = 0) -> tuple[int, int]:
    total = constant, constant
    for operand, shift, sign in terms:
        total = interval_add(total, interval_shift(builder.intervals[operand], shift), sign)
    return total


def _unsigned_sum(builder: Builder, pair: Sequence[_Term]) -> tuple[int, int, tuple[int, int]]:
    """Constant, lowest bit and interval of the sum of the operands' bits as they are."""
    lsb = min(term.shift for term in pair)
    offset = -sum(map(exact_constant, _operands(builder, pair, lsb)))
    lowered = [term._replace(shift=term.shift - lsb) for term in pair]
    return offset, lsb, _interval(builder, lowered, offset)


def _price(
    builder: Builder,
    value: Value,
    terms: Sequence[_Term],
    pair: Sequence[_Term],
    constant: int,
) -> tuple[bool, int, int]:
    """What it costs to sum `pair` first: another row for the constant, LUTs, carry positions."""
    offset, lsb, (_, most) = _unsigned_sum(builder, pair)
    first = plan_chain(_operands(builder, pair, lsb), offset, most.bit_length())
    rest = _operands(builder, [term for term in terms if term not in pair])
    total = Operand(len(terms), most.bit_length(), False, lsb, False)
    last = plan_chain([*rest, total], constant - (offset << lsb), value.format.width)
    assert first is not None
    assert last is not None
    luts, positions = first.luts + last.luts, first.carry_positions + last.carry_positions
    return _is_compressed(last), luts, positions


def _pair(
    builder: Builder,
    value: Value,
    pair: Sequence[_Term],
    offset: int,
    lsb: int,
    interval: tuple[int, int],
) -> int:
    lowered = [term._replace(shift=term.shift - lsb) for term in pair]
    read = Format.of_width(max(value.format.width - lsb, 0), False)
    wraps = value.is_wrapping and interval[1] > read.hi
    return _row(
        builder,
        lowered,
        offset,
        exponent=value.format.exponent + lsb,
        interval=(read.lo, read.hi) if wraps else interval,
        wraps=wraps,
    )


def _row(
    builder: Builder,
    terms: Sequence[_Term],
    constant: int,
    *,
    exponent: int,
    interval: tuple[int, int] | None = None,
    wraps: bool = False,
) -> int:
    operands = [term.operand for term in terms]
    weights = [term.sign << term.shift for term in terms]
    if not terms:
        return builder.const(constant, exponent)
    if constant:
        operands.append(builder.const(constant, exponent))
        weights.append(1)
    return builder.row(operands, weights, exponent=exponent, interval=interval, wraps=wraps)


# -- segments of the carry chain -----------------------------------------------------------


class _Piece(NamedTuple):
    """``sign * (bits << shift)`` with bits of an operand from `low` on."""

    operand: int
    low: int
    bits: int | None
    """How many, as an unsigned number; None: all that are left, with the operand's sign."""
    shift: int
    sign: int

    def interval(self, builder: Builder) -> tuple[int, int]:
        if self.bits is None:
            return interval_shift(builder.intervals[self.operand], -self.low)
        return 0, (1 << self.bits) - 1

    def build(self, builder: Builder) -> _Term:
        if self.bits is not None:
            piece = builder.slice(
                self.operand, self.low, interval=self.interval(builder), wraps=True
            )
        else:
            piece = builder.slice(self.operand, self.low) if self.low else self.operand
        return _Term(piece, self.shift, self.sign)


class _Segment(NamedTuple):
    """Positions of a row from `bottom` on: pieces, a constant, and the carry from below."""

    bottom: int
    width: int
    pieces: list[_Piece]
    constant: int
    takes_carry: bool
    carries: bool
    """Whether a carry leaves it."""


def in_segments(builder: Builder, value: Value, operands: list[int], effort: int) -> int | None:
    """One segment more than `effort`: each takes the carry of the one below as its carry in.

    The low bits of a segment are bits of the row, and its top bit is the carry.
    """
    terms, constant = _terms(builder, value, operands)
    plan = _plan(builder, terms, constant, value.format.width)
    count = effort + 1
    if plan is None or count > MOST_SEGMENTS or len(plan.s) < count * LEAST_POSITIONS:
        return None
    cuts = [len(plan.low) + len(plan.s) * n // count for n in range(1, count)]
    segments = _segments(builder, terms, constant, [0, *cuts, value.format.width])
    return None if segments is None else _joined(builder, value, segments)


def _segments(
    builder: Builder, terms: list[_Term], constant: int, ends: list[int]
) -> list[_Segment] | None:
    """Segments between `ends`; None where one would need more than a carry chain."""
    segments: list[_Segment] = []
    takes_carry = False
    for bottom, top in zip(ends, ends[1:], strict=False):
        if top == ends[-1]:
            pieces = [_rest(term, bottom) for term in terms]
            segment = _Segment(bottom, top - bottom, pieces, constant, takes_carry, False)
        else:
            found = _lower_segment(builder, terms, constant, bottom, top, takes_carry)
            if found is None:
                return None
            segment, terms, constant = found
        if _is_compressed(_plan_of(builder, segment)):
            return None
        segments.append(segment)
        takes_carry = segment.carries
    return segments if segments[-1].pieces or segments[-1].takes_carry else None


def _rest(term: _Term, bottom: int) -> _Piece:
    return _Piece(
        term.operand, max(bottom - term.shift, 0), None, max(term.shift - bottom, 0), term.sign
    )


def _lower_segment(
    builder: Builder,
    terms: list[_Term],
    constant: int,
    bottom: int,
    top: int,
    takes_carry: bool,
) -> tuple[_Segment, list[_Term], int] | None:
    """A segment that another follows; what terms and constant are left to that.

    A signed operand that ends here enters with its sign where the row's constant makes up for it
    so that no more than one bit is carried, else with copies of its sign bit.
    """
    for copies_signs in (False, True):
        pieces, left = [], []
        for term in terms:
            rest, format = _rest(term, bottom), builder.format(term.operand)
            is_last = format.width + term.shift <= top and not (copies_signs and format.is_signed)
            if is_last:
                pieces.append(rest)
                continue
            left.append(term)
            if term.shift < top:
                pieces.append(rest._replace(bits=top - max(bottom, term.shift)))
        made = _with_carry(builder, pieces, constant, bottom, top, takes_carry)
        if made is not None:
            return made, left, (constant - made.constant) >> (top - bottom)
    return None


def _with_carry(
    builder: Builder,
    pieces: list[_Piece],
    constant: int,
    bottom: int,
    top: int,
    takes_carry: bool,
) -> _Segment | None:
    """The segment with that part of the constant that makes it no less than 0."""
    width = top - bottom
    lo, hi = 0, int(takes_carry)
    for piece in pieces:
        lo, hi = interval_add(
            (lo, hi), interval_shift(piece.interval(builder), piece.shift), piece.sign
        )
    constant -= (constant + lo) >> width << width
    carry = (hi + constant) >> width
    if carry > 1:
        return None
    return _Segment(bottom, width, pieces, constant, takes_carry, carry > 0)


def _plan_of(builder: Builder, segment: _Segment) -> RowPlan | None:
    operands = []
    for n, piece in enumerate(segment.pieces):
        format = Format(*piece.interval(builder))
        operands.append(Operand(n, format.width, format.is_signed, piece.shift, piece.sign < 0))
    if segment.takes_carry:
        operands.append(Operand(len(operands), 1, False, 0, False))
    return plan_chain(operands, segment.constant, segment.width + segment.carries)


def _joined(builder: Builder, value: Value, segments: list[_Segment]) -> int:
    """The segments' rows, and their bits side by side."""
    lows: list[tuple[int, int]] = []
    carry: int | None = None
    for segment in segments[:-1]:
        total = _row(
            builder,
            _built(builder, segment, carry),
            segment.constant,
            exponent=value.format.exponent + segment.bottom,
        )
        low, carry = total, None
        if segment.carries:
            within = 0, (1 << segment.width) - 1
            low = builder.slice(total, 0, interval=within, wraps=True)
            carry = builder.slice(total, segment.width)
        lows.append((low, segment.width))
    last = segments[-1]
    full = Format.of_width(last.width, value.format.is_signed)
    joined = _row(
        builder,
        _built(builder, last, carry),
        last.constant,
        exponent=value.format.exponent + last.bottom,
        interval=(full.lo, full.hi),
        wraps=True,
    )
    for low, shift in reversed(lows[1:]):
        joined = builder.concat(low, joined, shift)
    low, shift = lows[0]
    return builder.concat(
        low,
        joined,
        shift,
        interval=value.interval,
        exponent=value.format.exponent,
        wraps=value.is_wrapping,
    )


def _built(builder: Builder, segment: _Segment, carry: int | None) -> list[_Term]:
    terms = [piece.build(builder) for piece in segment.pieces]
    return terms if carry is None else [*terms, _Term(carry, 0, 1)]
