"""What values are as sums: integer multiples of values that are no sums themselves.

A chain of additions may claim less than its operands' intervals say (``4x - x`` is ``3x`` wide);
the interval of its whole linear form decides. Pieces of a value come together again:
``low + 2**n * high`` is `x` where `low` is its lowest `n` bits and `high` the rest, and so are
sums and products of such pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..fixed import Format, interval_mul, interval_shift
from .operations import add, concat, lincomb, mul, row, slice_
from .program import Program
from .ranges import Interval, range_of


class Atom(NamedTuple):
    """``factor * (value >> low)``."""

    value: int
    low: int = 0
    factor: int | None = None
    """A value too, or None: 1."""


LinearForm = dict[Atom, int]


class LinearForms:
    """The forms of one Program's values, each found once, when it is asked for."""

    def __init__(self, program: Program):
        self.program = program
        self._forms: dict[int, LinearForm] = {}
        self._slices: dict[tuple[int, int, Interval], int] = {}

    def of(self, v: int) -> LinearForm:
        """What `v` is exactly."""
        pending = [v]
        while pending:
            at = pending[-1]
            missing = [o for o in self._needed(at) if o not in self._forms]
            if at in self._forms:
                pending.pop()
            elif missing:
                pending.extend(missing)
            else:
                self._forms[at] = self._form(at)
        return self._forms[v]

    def intervals(self, v: int) -> Iterator[Interval]:
        """Intervals that hold the exact result of an addition, a row or a concatenation."""
        if self._is(v, add, row):
            plain = self._sum(v)
            yield self._interval(plain)
            yield self._interval(self._merged(plain))
        elif self._is_of_pieces(v):
            self.of(v)
            joined = self._joined(v)
            if joined is not None:
                yield self._interval(joined)

    # -- the form of one value, those of its operands at hand ----------------------------

    def _needed(self, v: int) -> list[int]:
        if self.program.rows.wraps[v]:
            return []
        operands = self.program.operands_of(v)
        if self._is(v, add, row):
            return operands
        if self._is_of_pieces(v):
            return [self._source(o) for o in (operands[0], *self._addends(operands[1]))]
        return []

    def _addends(self, v: int) -> list[int]:
        if self._is(v, concat):
            low, high = self.program.operands_of(v)
            return [low, *self._addends(high)]
        return self.program.operands_of(v) if self._is(v, add, row) else [v]

    def _source(self, v: int) -> int:
        return self.program.operands_of(v)[0] if self._is(v, slice_) else v

    def _form(self, v: int) -> LinearForm:
        itself = {self._atom(v): 1}
        if self.program.rows.wraps[v]:
            return itself
        if self._is_of_pieces(v):
            joined = self._joined(v)
            return itself if joined is None else joined
        if not self._is(v, add, row):
            return itself
        plain = self._sum(v)
        if _holds(self.program.interval(v), self._interval(plain)):
            return plain
        merged = self._merged(plain)
        return merged if _holds(self.program.interval(v), self._interval(merged)) else plain

    def _sum(self, v: int) -> LinearForm:
        """Of an addition or row before it wraps."""
        total: LinearForm = {}
        for operand, weight in zip(self.program.operands_of(v), self._weights(v), strict=True):
            _add(total, self.of(operand), weight)
        return total

    def _weights(self, v: int) -> list[int]:
        value = self.program[v]
        if value.operation is row:
            return value.weights
        sign, shift = value.attributes["sign"], value.attributes["shift"]
        return [1 << max(-shift, 0), sign << max(shift, 0)]

    def _joined(self, v: int) -> LinearForm | None:
        """Of a concatenation: its halves summed modulo its width, if they never leave it."""
        total = self._modulo(v)
        high = self.program.format(self.program.operands_of(v)[1])
        width = self.program[v].attributes["shift"] + high.width
        full = Format.of_width(width, high.is_signed)
        return total if _holds((full.lo, full.hi), self._interval(total)) else None

    def _modulo(self, v: int) -> LinearForm:
        """`v` modulo its width: what it was before it wrapped."""
        if self._is(v, add, row):
            return self._sum(v)
        if not self._is_of_pieces(v):
            return self.of(v)
        low, high = self.program.operands_of(v)
        shift = self.program[v].attributes["shift"]
        if self.program.format(v).width > shift + self.program.format(high).width:
            return self.of(v)
        total: LinearForm = {}
        _add(total, self.of(low), 1)
        _add(total, self._modulo(high), 1 << shift)
        return self._merged(total)

    # -- pieces that come together ---------------------------------------------------------

    def _merged(self, form: LinearForm) -> LinearForm:
        """The same with pieces of a value put together, wherever that says more."""
        total: LinearForm = {}
        self._add_products(total, form, 1)
        is_done = False
        while not is_done:
            is_done = True
            for pieces in self._pieces(total).values():
                before = {piece: total[piece] for piece in pieces}
                after: LinearForm = {}
                for piece, coefficient in before.items():
                    _add(after, self._whole(piece), coefficient)
                if _size(self._interval(after)) <= _size(self._interval(before)):
                    for piece in pieces:
                        del total[piece]
                    self._add_whole(total, after)
                    is_done = False
        return total

    def _pieces(self, total: LinearForm) -> dict[Atom, list[Atom]]:
        """Atoms that are cut from the same value, by value, where some are its lowest bits."""
        found: dict[Atom, list[Atom]] = {}
        for atom, coefficient in total.items():
            if coefficient:
                source = next(iter(self._whole(atom)))._replace(low=0)
                found.setdefault(source, []).append(atom)
        return {
            source: atoms
            for source, atoms in found.items()
            if len(atoms) > 1 and any(self._whole(atom) != {atom: 1} for atom in atoms)
        }

    def _add_whole(self, total: LinearForm, form: LinearForm) -> None:
        for atom, coefficient in form.items():
            is_whole = not atom.low and atom.factor is None
            inner = self.of(atom.value) if is_whole else {atom: 1}
            self._add_products(total, inner, coefficient)

    def _add_products(self, total: LinearForm, form: LinearForm, weight: int) -> None:
        for atom, coefficient in form.items():
            _add(total, {self._product(atom): coefficient}, weight)

    def _product(self, atom: Atom) -> Atom:
        """A product by a piece of a value as the multiple of that piece."""
        v = atom.value
        if atom != Atom(v) or not self._is(v, mul) or self.program.rows.wraps[v]:
            return atom
        a, b = self.program.operands_of(v)
        if self._is(a, slice_) and not self._is(b, slice_):
            a, b = b, a
        return self._atom(b)._replace(factor=a) if self._is(b, slice_) else atom

    def _whole(self, atom: Atom) -> LinearForm:
        """Lowest bits as all bits of a value without those above; any other atom as it is."""
        v = atom.value
        if atom.low or not self._is_lowest_bits(v):
            return {atom: 1}
        source, low = self.program.operands_of(v)[0], self.program[v].attributes["low"]
        width = self.program.format(v).width
        whole = {self._above(source, low)._replace(factor=atom.factor): 1}
        above = self._above(source, low + width)._replace(factor=atom.factor)
        _add(whole, {above: 1}, -1 << width)
        return whole

    def _is_lowest_bits(self, v: int) -> bool:
        """Whether `v` is some bits of a value as an unsigned number."""
        return (
            self._is(v, slice_)
            and self.program.rows.wraps[v]
            and not self.program.format(v).is_signed
            and self.program[v].attributes["low"] >= 0
        )

    def _atom(self, v: int) -> Atom:
        """`v` as a piece of what it is cut from."""
        return self._above(v, 0)

    def _above(self, v: int, low: int) -> Atom:
        """``v >> low``."""
        while self._is(v, slice_) and not self.program.rows.wraps[v]:
            cut = self.program[v].attributes["low"]
            if cut < 0:
                break
            v, low = self.program.operands_of(v)[0], low + cut
        format = self.program.format(v)
        if format.is_signed:  # above the sign there are copies of it
            low = min(low, format.width - 1)
        return Atom(self._first(v) if self._is(v, slice_) else v, low)

    def _first(self, v: int) -> int:
        """Of all slices of the same bits the one that was met first."""
        value = self.program[v]
        key = value.operands[0], value.attributes["low"], value.interval
        return self._slices.setdefault(key, v)

    # -- small words --------------------------------------------------------------------------

    def _is_of_pieces(self, v: int) -> bool:
        """Whether `v` joins low bits of a sum and a sum of what is above them."""
        return self._is(v, concat) and self._is(self.program.operands_of(v)[1], add, row, concat)

    def _is(self, v: int, *operations: object) -> bool:
        return self.program.rows.operation[v] in operations

    def _interval(self, form: LinearForm) -> Interval:
        return range_of[lincomb](*map(self._range, form), weights=list(form.values()))

    def _range(self, atom: Atom) -> Interval:
        shifted = interval_shift(self.program.interval(atom.value), -atom.low)
        if atom.factor is None:
            return shifted
        return interval_mul(self.program.interval(atom.factor), shifted)


def _add(total: LinearForm, form: LinearForm, weight: int) -> None:
    for atom, coefficient in form.items():
        total[atom] = total.get(atom, 0) + weight * coefficient


def _size(interval: Interval) -> int:
    return interval[1] - interval[0]


def _holds(outer: Interval, inner: Interval) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
