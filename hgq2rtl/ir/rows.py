"""How one carry chain builds a row: bit by bit, exactly as hardware sees it.

Inside a row every operand is unsigned bits. A two's complement operand that ends below the top
of the result has its sign bit inverted (``x = u - 2**(w - 1)``), a subtracted one all its bits
(``-u = ~u + 1 - 2**w``). What that costs in constants is added to the row's own constant,
modulo the result: :attr:`RowPlan.constant`. A row whose operands and constant were chosen well
has none left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .program import Value

MOST_BITS = 3
"""Bits that one position of a carry chain adds, beside the carry."""

CONSTANT = -1
"""As the operand of a bit: a constant, 0 or 1."""


class Bit(NamedTuple):
    """One wire that a row reads."""

    operand: int
    """Which operand of the value, or ``CONSTANT``."""
    number: int
    """Which bit of the operand's wire; of a constant its value."""
    is_inverted: bool = False


ZERO, ONE = Bit(CONSTANT, 0), Bit(CONSTANT, 1)


class Operand(NamedTuple):
    """An operand of a row that is no constant."""

    number: int
    """Which operand of the value."""
    width: int
    is_signed: bool
    shift: int
    is_subtracted: bool


class RowPlan(NamedTuple):
    """``low``, then one bit per position of the chain, then the carry out: the result.

    The chain adds ``d + s + z + carry_in``, inverted bits inverted. What enters as the carry is a
    constant or, as it is, an operand of one bit: what another chain carries out.
    """

    low: tuple[Bit, ...]
    """The result's bits below the chain: copies and constants."""
    d: tuple[Bit, ...]
    s: tuple[Bit, ...]
    """Bits of each position, lowest first. One bit alone is on the S side; only in a position that
    adds two inverted bits is one of them on the D side."""
    z: tuple[Bit, ...]
    """The third bit of compressed positions."""
    compressed: tuple[bool, ...]
    """Positions that reduce three bits to two before the carry: those with three bits, and those
    above them that still have two."""
    carry_in: Bit
    has_carry_out: bool

    @property
    def luts(self) -> int:
        """Positions whose LUT computes something."""
        below = (False, *self.compressed)
        return sum(
            is_compressed or _is_wire(d) + _is_wire(s) + after > 1
            for d, s, is_compressed, after in zip(
                self.d, self.s, self.compressed, below, strict=False
            )
        )

    @property
    def inverters(self) -> int:
        """Bits that pass alone and inverted."""
        below = (False, *self.compressed)
        alone = sum(
            not is_compressed and not after and not _is_wire(d) and _is_inverted(s, d)
            for d, s, is_compressed, after in zip(
                self.d, self.s, self.compressed, below, strict=False
            )
        )
        return alone + sum(bit.is_inverted for bit in self.low)

    @property
    def carry_positions(self) -> int:
        return len(self.s)

    @property
    def levels(self) -> int:
        """LUT and carry levels one behind the other."""
        return 2 if any(self.compressed) else min(len(self.s), 1)


def _is_wire(bit: Bit) -> bool:
    return bit.operand != CONSTANT


def _is_inverted(s: Bit, d: Bit) -> bool:
    """Whether ``s + d`` needs the inverse of `s`, with a constant `d`."""
    return _is_wire(s) and s.is_inverted != (d == ONE)


def plan_row(value: Value) -> RowPlan:
    """How `value`, a row, is built.

    Raises
    ------
    ValueError
        If four bits would meet in one position: never in a verified Program.
    """
    plans = value.program.row_plans
    if value.number not in plans:
        plan = plan_chain(*_operands(value), value.format.width)
        if plan is None:
            raise ValueError("four bits meet in one position of the row")
        plans[value.number] = plan
    return plans[value.number]


def _operands(value: Value) -> tuple[list[Operand], int]:
    """Operands that are no constants, and the sum of those that are."""
    program, operands, constant = value.program, [], 0
    for n, (v, weight) in enumerate(zip(value.operands, value.weights, strict=True)):
        lo, hi = program.interval(v)
        if lo == hi:
            constant += weight * lo
        else:
            format = program.format(v)
            shift = abs(weight).bit_length() - 1
            operands.append(Operand(n, format.width, format.is_signed, shift, weight < 0))
    return operands, constant


def exact_constant(operand: Operand) -> int:
    """What the unsigned bits of an operand lack of what it means."""
    _, bits, is_signed, shift, is_subtracted = operand
    of_sign = (1 if is_subtracted else -1) << (bits - 1 + shift) if is_signed else 0
    return of_sign + ((1 << shift) - (1 << (bits + shift)) if is_subtracted else 0)


def hardware_constant(operands: Sequence[Operand], width: int) -> int:
    """The same of all operands, modulo ``2**width``; a sign bit at the top is as good as any."""
    total = sum(
        exact_constant(o._replace(is_signed=o.is_signed and o.width + o.shift < width))
        for o in operands
    )
    return total & ((1 << width) - 1)


def plan_chain(operands: Sequence[Operand], constant: int, width: int) -> RowPlan | None:
    """The chain for ``sum(+-operand << shift) + constant`` modulo ``2**width``.

    None where four bits would meet in one position.
    """
    rest = (constant + hardware_constant(operands, width)) & ((1 << width) - 1)
    columns = _columns(operands, width)
    if width and rest >> (width - 1) and columns[-1]:
        columns[-1], rest = _flipped(columns[-1]), rest ^ (1 << (width - 1))
    first = 0
    while first < width and len(columns[first]) + (rest >> first & 1) < 2:
        first += 1
    low = tuple(columns[n][0] if columns[n] else Bit(CONSTANT, rest >> n & 1) for n in range(first))
    carry_in = ZERO
    if first < width and rest >> first & 1:
        if _prefers_carry_in(columns[first]):
            carry_in, rest = ONE, rest & ~(1 << first)
    elif first < width and len(columns[first]) == MOST_BITS:
        carry_in = _take_carry(columns[first], operands)
    return _chain(low, columns, rest, carry_in, first)


def _columns(operands: Sequence[Operand], width: int) -> list[list[Bit]]:
    columns: list[list[Bit]] = [[] for _ in range(width)]
    for number, bits, is_signed, shift, is_subtracted in operands:
        flips_sign = is_signed and bits + shift < width
        for n in range(min(bits, width - shift)):
            is_flipped = flips_sign and n == bits - 1
            columns[n + shift].append(Bit(number, n, is_subtracted != is_flipped))
    return columns


def _flipped(bits: list[Bit]) -> list[Bit]:
    """The top position plus 1: nothing is above it, so one bit inverted is the same."""
    *others, bit = sorted(bits, key=lambda bit: bit.is_inverted)
    return [*others, bit._replace(is_inverted=not bit.is_inverted)]


def _prefers_carry_in(bits: list[Bit]) -> bool:
    """Whether a 1 in the first position is the carry in, or a constant that undoes an inverter."""
    return len(bits) > 1 or not bits[0].is_inverted


def _take_carry(bits: list[Bit], operands: Sequence[Operand]) -> Bit:
    """Of three `bits` in the first position, one that is all of its operand; taken out of them."""
    whole = {o.number for o in operands if o.width == 1 and not o.is_signed}
    for bit in reversed(bits):
        if bit.operand in whole and not bit.is_inverted:
            bits.remove(bit)
            return bit
    return ZERO


def _chain(
    low: tuple[Bit, ...], columns: list[list[Bit]], rest: int, carry_in: Bit, first: int
) -> RowPlan | None:
    d: list[Bit] = []
    s: list[Bit] = []
    z: list[Bit] = []
    compressed: list[bool] = []
    width, below = len(columns), False
    for n in range(first, width):
        bits = [*columns[n], ONE] if rest >> n & 1 else columns[n]
        if len(bits) > MOST_BITS:
            return None
        is_compressed = len(bits) == 3 or (below and len(bits) == 2)
        if n == width - 1 and n > first and not bits and not below:
            return RowPlan(low, (*d,), (*s,), (*z,), (*compressed,), carry_in, True)
        on_d, on_s, on_z = _sides(bits)
        if below and not is_compressed:  # the carry-save bit of the position below is on the D side
            on_d, on_s = ZERO, bits[0] if bits else ZERO
        d.append(on_d)
        s.append(on_s)
        z.append(on_z)
        compressed.append(is_compressed)
        below = is_compressed
    return RowPlan(low, (*d,), (*s,), (*z,), (*compressed,), carry_in, False)


def _sides(bits: list[Bit]) -> tuple[Bit, Bit, Bit]:
    """D, S and Z of a position: constants and plain bits on the D side, one bit alone on S."""
    if not bits:
        return ZERO, ZERO, ZERO
    if len(bits) == 1:
        return (ONE, ZERO, ZERO) if bits[0] == ONE else (ZERO, bits[0], ZERO)
    ordered = sorted(bits, key=lambda bit: (bit.operand != CONSTANT, bit.is_inverted))
    if len(bits) == 2:
        return ordered[0], ordered[1], ZERO
    return ordered[1], ordered[2], ordered[0]
