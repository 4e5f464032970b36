"""The operations of a Program, each said once: name, operands, attributes, meaning.

An operation works on mantissas. Its meaning is exact; the value that it makes
is the meaning reduced modulo the value's format (see :mod:`.program`).
``meaning(*operands, **attributes)`` runs on Python ints and on int64 arrays
alike, so interpreter and proofs are one line.

What another stage knows of operations it keeps in a :func:`one_per_operation`
register, which is complete or does not import.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..fixed import OVERFLOWS, ROUNDINGS, quantize, round_mantissa

RELATIONS = ("lt", "le", "eq", "ne")
FUNCTIONS = ("and", "or", "xor")


@dataclass(frozen=True)
class Attribute:
    """An integer, or one word of `words`, that belongs to an operation."""

    name: str
    default: int | str | None = None
    """None: must be given."""
    words: tuple[str, ...] = ()

    def encode(self, value: int | str) -> int:
        return self.words.index(value) if self.words else int(value)

    def decode(self, stored: int) -> int | str:
        return self.words[stored] if self.words else int(stored)


@dataclass(frozen=True)
class Operation:
    """One kind of operation. `code` is its place in the columns of a Program."""

    name: str
    code: int
    operands: int | None
    """None: any number."""
    attributes: tuple[Attribute, ...]
    meaning: Callable[..., Any] | None
    """None where the value comes from outside: an input, a constant."""
    is_macro: bool = False
    has_weights: bool = False
    """Whether each operand has a coefficient, in the Program's column `weight`."""

    def __repr__(self) -> str:
        return self.name


MOST_ATTRIBUTES = 5
OPERATIONS: list[Operation] = []
BY_NAME: dict[str, Operation] = {}


def operation(
    name: str,
    operands: int | None,
    *attributes: Attribute,
    meaning: Callable[..., Any] | None,
    is_macro: bool = False,
    has_weights: bool = False,
) -> Operation:
    """Declare an operation."""
    if len(attributes) > MOST_ATTRIBUTES:
        raise ImportError(f"{name}: at most {MOST_ATTRIBUTES} attributes fit the columns")
    made = Operation(name, len(OPERATIONS), operands, attributes, meaning, is_macro, has_weights)
    OPERATIONS.append(made)
    BY_NAME[name] = made
    return made


class one_per_operation:  # a decorator: it reads as a word
    """A register with one entry per operation, complete once closed.

    >>> emit = one_per_operation("emit")
    >>> @emit(add)
    ... def _(a, b, sign, shift): ...
    >>> emit.close()
    Traceback (most recent call last):
    ImportError: emit lacks input, const, mul, ...
    """

    def __init__(self, title: str, without_macros: bool = False):
        self.title = title
        self._needed = [o for o in OPERATIONS if not (without_macros and o.is_macro)]
        self._entries: dict[Operation, Callable[..., Any]] = {}

    def __call__(self, *operations: Operation) -> Callable[..., Any]:
        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            for each in operations:
                self._entries[each] = function
            return function

        return register

    def close(self) -> None:
        missing = [o.name for o in self._needed if o not in self._entries]
        if missing:
            raise ImportError(f"{self.title} lacks {', '.join(missing)}")

    def __getitem__(self, which: Operation) -> Callable[..., Any]:
        return self._entries[which]


def align(a: Any, b: Any, shift: int) -> tuple[Any, Any]:
    """Bring `b << shift` and `a` to the finer of their two scales."""
    return (a, b << shift) if shift >= 0 else (a << -shift, b)


def _choose(bit: Any, a: Any, b: Any) -> Any:
    if isinstance(bit, np.ndarray):
        return np.where(bit != 0, a, b)
    return a if bit else b


def _add(a: Any, b: Any, sign: int, shift: int) -> Any:
    a, b = align(a, b, shift)
    return a + sign * b


def _compare(a: Any, b: Any, relation: str, shift: int) -> Any:
    a, b = align(a, b, shift)
    match relation:
        case "lt":
            return (a < b) * 1
        case "le":
            return (a <= b) * 1
        case "eq":
            return (a == b) * 1
    return (a != b) * 1


def _bitwise(a: Any, b: Any, function: str) -> Any:
    match function:
        case "and":
            return a & b
        case "or":
            return a | b
    return a ^ b


def _weighted_sum(*operands: Any, weights: Any) -> Any:
    return sum((w * x for w, x in zip(weights, operands, strict=True)), 0)


def _maximum(a: Any, b: Any, shift: int) -> Any:
    a, b = align(a, b, shift)
    return _choose(a < b, b, a)


def _minimum(a: Any, b: Any, shift: int) -> Any:
    a, b = align(a, b, shift)
    return _choose(b < a, b, a)


_shift = Attribute("shift", 0)

input_ = operation("input", 0, Attribute("port", 0), Attribute("field"), meaning=None)
const = operation("const", 0, meaning=None)
add = operation("add", 2, Attribute("sign", 1), _shift, meaning=_add)
mul = operation("mul", 2, meaning=lambda a, b: a * b)
slice_ = operation(
    "slice", 1, Attribute("low", 0), meaning=lambda a, low: round_mantissa(a, low, "TRN")
)
concat = operation("concat", 2, Attribute("shift"), meaning=lambda a, b, shift: a + (b << shift))
mask = operation("mask", 2, Attribute("when", 1), meaning=lambda a, bit, when: a * (bit == when))
mux = operation(
    "mux", 3, _shift, meaning=lambda bit, a, b, shift: _choose(bit, *align(a, b, shift))
)
compare = operation("compare", 2, Attribute("relation", "lt", RELATIONS), _shift, meaning=_compare)
bitwise = operation("bitwise", 2, Attribute("function", "and", FUNCTIONS), meaning=_bitwise)
lookup = operation("lookup", 1, Attribute("table"), meaning=lambda a, table: table.at(a))
row = operation("row", None, meaning=_weighted_sum, has_weights=True)
"""A sum as one carry chain builds it: up to three operands, each moved by a power of two and
perhaps negated, and one constant operand."""
output = operation(
    "output", 1, Attribute("port", 0), Attribute("field"), meaning=lambda a, port, field: a
)

lincomb = operation(
    "lincomb", None, Attribute("group", 0), meaning=_weighted_sum, is_macro=True, has_weights=True
)
quantize_ = operation(
    "quantize",
    1,
    _shift,
    Attribute("k"),
    Attribute("bits"),
    Attribute("rounding", "TRN", ROUNDINGS),
    Attribute("overflow", "WRAP", OVERFLOWS),
    meaning=lambda a, shift, k, bits, rounding, overflow: quantize(
        a, shift, k, bits, rounding, overflow
    ),
    is_macro=True,
)
relu = operation("relu", 1, meaning=lambda a: a * (a > 0), is_macro=True)
abs_ = operation("abs", 1, meaning=lambda a: abs(a), is_macro=True)
max_ = operation("max", 2, _shift, meaning=_maximum, is_macro=True)
min_ = operation("min", 2, _shift, meaning=_minimum, is_macro=True)
