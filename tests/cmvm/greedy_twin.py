"""The greedy sharing of the kernel by its definition: every pair looked at in every round."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from hgq2rtl.cmvm.csd import signed_digits

Form = tuple[int, ...]


class Term(NamedTuple):
    """``sign * (node << shift)``."""

    node: int
    shift: int
    sign: int


class Pair(NamedTuple):
    """``u + v`` whatever the common sign and shift; ordered as equal scores are."""

    u: int
    v: int
    distance: int
    is_same_sign: bool


class Row(NamedTuple):
    terms: list[Term]
    room: int


class Twin:
    """Columns with an odd coefficient, the first one positive, and none of them equal."""

    def __init__(self, columns, inputs, arrivals, levels: int, carry_position: int):
        self.ranges = [hi - lo for lo, hi in inputs]
        self.carry_position = carry_position
        self.forms: list[Form] = [
            tuple(int(i == j) for j in range(len(inputs))) for i in range(len(inputs))
        ]
        self.depths = list(arrivals)
        self.rows = [self._row(column, levels) for column in columns]

    def _row(self, column: Sequence[int], levels: int) -> Row:
        terms = [
            Term(node, shift, sign)
            for node, coefficient in enumerate(column)
            for shift, sign in signed_digits(coefficient)
        ]
        return Row(terms, 2**levels - sum(2 ** self.depths[term.node] for term in terms))

    def run(self) -> None:
        while (chosen := self._best()) is not None:
            self._replace(chosen)

    def _best(self) -> Pair | None:
        """The pair that saves most if it is built once; of equal ones the first."""
        pairs = sorted({pair(s, t) for terms, _ in self.rows for s, t in combinations(terms, 2)})
        best, most = None, 0
        for candidate in pairs:
            saved = (self._occurrences(candidate) - 1) * self._price(candidate)
            if saved > most:
                best, most = candidate, saved
        return best

    def _occurrences(self, chosen: Pair) -> int:
        return sum(len(self._matches(row, chosen)) for row in self.rows)

    def _matches(self, row: Row, chosen: Pair) -> list[tuple[Term, Term]]:
        """Disjoint occurrences in a row, lowest first, as many as its levels allow."""
        need, room = self._need(chosen), row.room
        found: list[tuple[Term, Term]] = []
        for s in sorted(row.terms):
            if s.node != chosen.u or any(s in pair for pair in found) or room < need:
                continue
            sign = s.sign if chosen.is_same_sign else -s.sign
            t = Term(chosen.v, s.shift + chosen.distance, sign)
            if t in row.terms:
                found.append((s, t))
                room -= need
        return found

    def _need(self, chosen: Pair) -> int:
        """What the Kraft sum of a row grows by."""
        du, dv = self.depths[chosen.u], self.depths[chosen.v]
        known = self._known(self._form(chosen))
        depth = max(du, dv) + 1 if known is None else self.depths[known]
        return max(0, 2**depth - 2**du - 2**dv)

    def _form(self, chosen: Pair) -> Form:
        """In units of the lower operand."""
        up_u, up_v = max(0, -chosen.distance), max(0, chosen.distance)
        sign = 1 if chosen.is_same_sign else -1
        return tuple(
            (a << up_u) + sign * (b << up_v)
            for a, b in zip(self.forms[chosen.u], self.forms[chosen.v], strict=True)
        )

    def _known(self, form: Form) -> int | None:
        wanted = canonical(form)
        return next((n for n, f in enumerate(self.forms) if canonical(f) == wanted), None)

    def _price(self, chosen: Pair) -> int:
        """1024 for each position where both have bits, and for carry positions as told."""
        up_u, up_v = max(0, -chosen.distance), max(0, chosen.distance)
        top_u, top_v = up_u + self._width(chosen.u), up_v + self._width(chosen.v)
        overlap = max(0, min(top_u, top_v) - max(up_u, up_v))
        top = self._bits(self._form(chosen))
        alone = max(0, top - min(top_u, top_v)) if overlap else 0
        return 1024 * overlap + self.carry_position * alone

    def _bits(self, form: Form) -> int:
        return sum(abs(c) * r for c, r in zip(form, self.ranges, strict=True)).bit_length()

    def _width(self, node: int) -> int:
        return self._bits(self.forms[node])

    def _replace(self, chosen: Pair) -> None:
        need, form = self._need(chosen), self._form(chosen)
        node = self._known(form)
        matches = [self._matches(row, chosen) for row in self.rows]
        if node is None:
            node = len(self.forms)
            # The lower operand is added, of two at the same place the first.
            sign = -1 if chosen.distance < 0 and not chosen.is_same_sign else 1
            self.forms.append(tuple(sign * c >> zeros(form) for c in form))
            self.depths.append(max(self.depths[chosen.u], self.depths[chosen.v]) + 1)
        for n, found in enumerate(matches):
            for s, t in found:
                terms, room = self.rows[n]
                terms.remove(s)
                terms.remove(t)
                self.rows[n] = Row(terms, room - need)
                low = min(s.shift, t.shift)
                sign = s.sign if self._form(chosen) == scaled(self.forms[node], zeros(form)) else 0
                sign = sign or -s.sign
                add(terms, Term(node, low + zeros(form), sign))


def add(terms: list[Term], term: Term) -> None:
    """Like terms meet: a sum with itself moves up, a difference cancels or moves down."""
    for other in sorted(t for t in terms if t.node == term.node):
        low, high = sorted((other, term), key=lambda t: t.shift)
        if low.shift == high.shift:
            terms.remove(other)
            if low.sign == high.sign:
                add(terms, Term(term.node, low.shift + 1, low.sign))
            return
        if low.shift + 1 == high.shift and low.sign != high.sign:
            terms.remove(other)
            add(terms, Term(term.node, low.shift, -low.sign))
            return
    terms.append(term)


def pair(s: Term, t: Term) -> Pair:
    s, t = sorted((s, t))
    return Pair(s.node, t.node, t.shift - s.shift, s.sign == t.sign)


def scaled(form: Form, shift: int) -> Form:
    return tuple(c << shift for c in form)


def zeros(form: Form) -> int:
    together = math.gcd(*form)
    return (together & -together).bit_length() - 1


def canonical(form: Form) -> Form:
    """Equal for forms that differ by sign and power of two."""
    sign = 1 if next(c for c in form if c) > 0 else -1
    return tuple(sign * c >> zeros(form) for c in form)
