"""Products of tensors as einsum equations: what matmul, dot, tensordot and their like mean.

An operand is given by its number of axes, the batch axis included where it is a tensor
of the model. All equations come out explicit: no ellipsis, and a result.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from .einsum import BadEquation, UnsupportedEquation

Shape = tuple[int, ...]

_LABELS = string.ascii_letters
_TERM = re.compile(r"[a-zA-Z]*(\.{3})?[a-zA-Z]*")


def matmul(first: int, second: int) -> str:
    """``numpy.matmul``.

    Examples
    --------
    >>> matmul(3, 2), matmul(2, 1)
    ('abc,cd->abd', 'ab,b->a')
    """
    if not first or not second:
        raise BadEquation("takes operands with an axis; use * with single numbers")
    rows, columns = min(first, 2), min(second, 2)
    batch = _LABELS[: max(first - rows, second - columns)]
    row, inner, column = tuple(_LABELS[len(batch) :][:3])
    row, column = row if rows == 2 else "", column if columns == 2 else ""
    a = batch[len(batch) - (first - rows) :] + row + inner
    b = batch[len(batch) - (second - columns) :] + inner + column
    return f"{a},{b}->{batch}{row}{column}"


def tensordot(first: int, second: int, axes: tuple[Sequence[int], Sequence[int]]) -> str:
    """``numpy.tensordot``.

    Examples
    --------
    >>> tensordot(3, 2, ([1], [0]))
    'abc,bd->acd'
    """
    over_a, over_b = _axes(first, axes[0]), _axes(second, axes[1])
    if len(over_a) != len(over_b):
        raise BadEquation(f"pairs {len(over_a)} axes with {len(over_b)}")
    a, fresh = _LABELS[:first], iter(_LABELS[first:])
    paired = dict(zip(over_b, over_a, strict=True))
    b = "".join(a[paired[n]] if n in paired else next(fresh) for n in range(second))
    kept = [c for n, c in enumerate(a) if n not in over_a]
    kept += [c for n, c in enumerate(b) if n not in paired]
    return f"{a},{b}->{''.join(kept)}"


def dot(first: int, second: int) -> str:
    """``numpy.dot`` of operands with axes."""
    return tensordot(first, second, ([-1], [-1 if second == 1 else -2]))


def batch_dot(first: int, second: int, axes: tuple[int, int]) -> str:
    """Keras' Dot layer: a product of each sample's tensors, summed over one axis of each.

    Examples
    --------
    >>> batch_dot(3, 3, (2, 2))
    'abc,adc->abd'
    """
    a, fresh = _LABELS[:first], iter(_LABELS[first:])
    b = "".join(
        a[0] if n == 0 else a[axes[0]] if n == axes[1] else next(fresh) for n in range(second)
    )
    kept = a.replace(a[axes[0]], "") + b[1:].replace(a[axes[0]], "")
    return f"{a},{b}->{kept}"


def explicit(text: str, ranks: Sequence[int]) -> str:
    """Any ``numpy.einsum`` equation with its ellipses and its result written out.

    Raises
    ------
    BadEquation
        If it does not fit operands of these ranks.

    Examples
    --------
    >>> explicit("...ij,jk", [3, 2])
    'aij,jk->aik'
    """
    operands, arrow, result = text.replace(" ", "").partition("->")
    terms = operands.split(",")
    if len(terms) != len(ranks):
        raise BadEquation(f"does not take {len(ranks)} operands")
    if not all(map(_TERM.fullmatch, [*terms, result])):
        raise BadEquation("is no einsum equation")
    counts = [_hidden(term, rank) for term, rank in zip(terms, ranks, strict=True)]
    free = [label for label in _LABELS if label not in text]
    most = max(counts, default=0)
    if most > len(free):
        raise BadEquation(f"would need {most} more labels than there are letters")
    hidden = "".join(free[:most])
    terms = [
        term.replace("...", hidden[most - count :] if count else "")
        for term, count in zip(terms, counts, strict=True)
    ]
    if not arrow:
        named = Counter(c for c in operands if c.isalpha())
        result = "..." + "".join(sorted(c for c, n in named.items() if n == 1))
    result = result.replace("...", hidden)
    if len(set(result)) != len(result) or not set(result) <= set("".join(terms)):
        raise BadEquation("gives axes that repeat or are in no operand")
    return f"{','.join(terms)}->{result}"


def without_batch(equation: str, is_tensor: Sequence[bool]) -> str:
    """An explicit equation without the batch label, with which tensors and result begin.

    A constant may begin with it too, by an axis of one.

    Raises
    ------
    UnsupportedEquation
        If it would mix the samples of the batch.

    Examples
    --------
    >>> without_batch("abc,cd->abd", [True, False])
    'bc,cd->bd'
    """
    operands, result = equation.split("->")
    terms = operands.split(",")
    leading = {term[0] for term, tensor in zip(terms, is_tensor, strict=True) if tensor}
    batch = leading.pop()
    stripped = [term.removeprefix(batch) for term in terms]
    if leading or batch in "".join(stripped) or not result.startswith(batch):
        raise UnsupportedEquation("mixes the samples of the batch")
    return f"{','.join(stripped)}->{result.removeprefix(batch)}"


def label_sizes(equation: str, shapes: Sequence[Shape]) -> dict[str, int]:
    """The size of every label of an explicit equation; an axis of one spreads."""
    sizes: dict[str, int] = {}
    for term, shape in zip(equation.split("->")[0].split(","), shapes, strict=True):
        for label, size in zip(term, shape, strict=True):
            known = sizes.get(label, 1)
            if 1 not in (known, size) and known != size:
                raise BadEquation(f"gives axis {label!r} the sizes {known} and {size}")
            sizes[label] = max(known, size)
    return sizes


def _hidden(term: str, rank: int) -> int:
    """How many axes an ellipsis stands for."""
    named = len(term.replace("...", ""))
    if named > rank or ("..." not in term and named != rank):
        raise BadEquation(f"names {named} axes of an operand that has {rank}")
    return rank - named


def _axes(rank: int, axes: Sequence[int]) -> list[int]:
    if not all(-rank <= axis < rank for axis in axes):
        raise BadEquation(f"sums over axes {list(axes)} of an operand that has {rank}")
    found = [axis % rank for axis in axes]
    if len(set(found)) != len(found):
        raise BadEquation(f"sums twice over an axis of {list(axes)}")
    return found
