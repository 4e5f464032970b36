"""Sums of products: matrix products and einsum, of wires with constants or with wires.

Labels of a contraction fall into four kinds: shared (kept, in both operands, like
a batch), free in the one, free in the other, and contracted. For each shared and
free index of the wires there is one block ``row @ matrix``.
"""

from __future__ import annotations

import math
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..fixed import ExactArray, exact
from . import wires as w
from .fixed_array import FixedArray
from .wires import ONE, ZERO, Constant

Array = FixedArray | ExactArray


def matmul(a: Any, b: Any) -> FixedArray:
    """``numpy.matmul``: (..., n) @ (n,), (..., n, k) @ (..., k, m), either of them constant."""
    a, b = _array(a), _array(b)
    if len(a.shape) == 0 or len(b.shape) == 0:
        raise ValueError("matmul takes arrays with an axis: use * with single numbers")
    k = "k" if len(b.shape) == 1 else "km"
    rows = "k" if len(a.shape) == 1 else "nk"
    batch = string.ascii_uppercase[: max(len(a.shape) - len(rows), len(b.shape) - len(k), 0)]
    first = batch[len(batch) - (len(a.shape) - len(rows)) :] + rows
    second = batch[len(batch) - (len(b.shape) - len(k)) :] + k
    result = batch + first.removesuffix("k")[len(first) - len(rows) :] + k[1:]
    if a.shape[-1] != b.shape[0 if len(b.shape) == 1 else -2]:
        raise ValueError(f"{a.shape} @ {b.shape}: the inner sizes differ")
    return einsum(f"{first},{second}->{result}", a, b)


def einsum(equation: str, *operands: Any) -> FixedArray:
    """``numpy.einsum`` in its string form, with exact constants.

    Raises
    ------
    ValueError
        If the equation does not fit the operands.
    """
    arrays = [_array(x) for x in operands]
    terms, result = _parsed(equation, [len(x.shape) for x in arrays])
    sizes = _sizes(terms, arrays, equation)
    pieces = [_diagonal(x, term) for x, term in zip(arrays, terms, strict=True)]
    x, labels = _summed(*pieces[0], keep=result + "".join(term for _, term in pieces[1:]))
    for n, (y, term) in enumerate(pieces[1:], 2):
        keep = result + "".join(term for _, term in pieces[n:])
        y, term = _summed(y, term, keep + labels)
        x, labels = _summed(x, labels, keep + term)
        x, labels = _contracted(x, labels, y, term, keep)
        x, labels = _summed(x, labels, keep)
    if isinstance(x, ExactArray):
        raise ValueError("einsum of constants only: compute it in NumPy")
    ordered = x.transpose(tuple(labels.index(c) for c in result))
    return ordered.reshape(tuple(sizes[c] for c in result))


def _array(x: Any) -> Array:
    return x if isinstance(x, FixedArray | ExactArray) else exact(np.asarray(x))


def _parsed(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """Operand labels and result labels, without ellipsis."""
    operands, arrow, result = equation.replace(" ", "").partition("->")
    terms = operands.split(",")
    if len(terms) != len(ranks):
        raise ValueError(f"equation {equation!r} does not take {len(ranks)} operands")
    unused = [c for c in string.ascii_letters if c not in equation]
    hidden_count = [
        rank - len(term.replace("...", "")) if "..." in term else 0
        for term, rank in zip(terms, ranks, strict=True)
    ]
    hidden = "".join(unused[: max(hidden_count, default=0)])
    spread = [
        term.replace("...", hidden[len(hidden) - count :])
        for term, count in zip(terms, hidden_count, strict=True)
    ]
    if not arrow:
        counts = Counter("".join(terms).replace(".", ""))
        result = "..." + "".join(sorted(c for c, n in counts.items() if n == 1))
    return spread, result.replace("...", hidden)


def _sizes(terms: Sequence[str], arrays: Sequence[Array], equation: str) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for term, x in zip(terms, arrays, strict=True):
        if len(term) != len(x.shape):
            raise ValueError(f"equation {equation!r} does not fit an operand of shape {x.shape}")
        for label, size in zip(term, x.shape, strict=True):
            known = sizes.setdefault(label, size)
            if 1 not in (known, size) and known != size:
                raise ValueError(f"equation {equation!r} gives axis {label!r} two sizes")
            sizes[label] = max(known, size)
    return sizes


def _diagonal(x: Array, term: str) -> tuple[Array, str]:
    """Labels that repeat within an operand pick its diagonal."""
    labels = "".join(dict.fromkeys(term))
    if labels == term:
        return x, term
    pick = f"{term}->{labels}"
    if isinstance(x, FixedArray):
        return x.moved(np.einsum(pick, x.wires)), labels
    return ExactArray(np.einsum(pick, x.mantissa), np.einsum(pick, x.exponent)), labels


def _summed(x: Array, labels: str, keep: str) -> tuple[Array, str]:
    """`x` summed over the labels that are not kept."""
    gone = tuple(n for n, c in enumerate(labels) if c not in keep)
    if not gone:
        return x, labels
    left = "".join(c for c in labels if c in keep)
    if isinstance(x, FixedArray):
        return x.sum(axis=gone), left
    finest = int(x.exponent.min(initial=0))
    mantissa = x.mantissa.astype(object) << (x.exponent - finest).astype(object)
    total = np.asarray(mantissa.sum(axis=gone))
    return ExactArray(total, np.full(total.shape, finest, np.int64)), left


def _contracted(x: Array, a: str, y: Array, b: str, keep: str) -> tuple[Array, str]:
    """Two operands become one; afterwards only labels of `keep` are left."""
    if isinstance(x, ExactArray):
        if isinstance(y, ExactArray):
            raise ValueError("einsum of constants only: multiply the constants in NumPy first")
        x, a, y, b = y, b, x, a
    shared = [c for c in a if c in b and c in keep]
    free_x = [c for c in a if c not in b]
    free_y = [c for c in b if c not in a]
    summed = [c for c in a if c in b and c not in keep]
    size = {c: max(_extent(x, a, c), _extent(y, b, c)) for c in (*a, *b)}

    def count(labels: list[str]) -> int:
        return math.prod(size[c] for c in labels)

    def arranged(z: Array, own: str, order: list[str], shape: tuple[int, ...]) -> Any:
        moved = z.transpose(tuple(own.index(c) for c in order))
        full: Any = moved.broadcast_to(tuple(size[c] for c in order))
        return full.reshape(shape)

    rows = arranged(x, a, shared + free_x + summed, (count(shared), count(free_x), count(summed)))
    matrices = arranged(
        y, b, shared + summed + free_y, (count(shared), count(summed), count(free_y))
    )
    blocks = [block(rows[s], matrices[s], s * count(free_x)) for s in range(count(shared))]
    order = shared + free_x + free_y
    joined = FixedArray.concatenate(blocks, axis=0)
    return joined.reshape(tuple(size[c] for c in order)), "".join(order)


def _extent(x: Array, labels: str, label: str) -> int:
    return x.shape[labels.index(label)] if label in labels else 1


def block(rows: FixedArray, matrix: Array, first_row: int = 0) -> FixedArray:
    """``rows @ matrix``, (r, n) @ (n, c): one linear block for each row."""
    if isinstance(matrix, FixedArray):
        return _variable_block(rows.formatted(), matrix.formatted(), first_row)
    wires = rows.formatted().wires.tolist()
    columns = _columns(matrix)
    tracer, builder = rows.tracer, rows.tracer.builder
    layer, out = builder.at[0], np.empty((len(wires), len(columns)), np.int64)
    for r, row in enumerate(wires):
        group = tracer.new_group()
        for c, (places, weights) in enumerate(columns):
            builder.at = (layer, (first_row + r) * len(columns) + c)
            out[r, c] = w.combination(tracer, [row[n] for n in places], weights, ZERO, group)
    return FixedArray(tracer, out)


def _columns(matrix: ExactArray) -> list[tuple[list[int], list[Constant]]]:
    """For each column, where it is not zero and what stands there."""
    columns = []
    for mantissa, exponent in zip(matrix.mantissa.T, matrix.exponent.T, strict=True):
        places = np.flatnonzero(mantissa).tolist()
        weights = [Constant(int(mantissa[n]), int(exponent[n])) for n in places]
        columns.append((places, weights))
    return columns


def _variable_block(rows: FixedArray, matrix: FixedArray, first_row: int) -> FixedArray:
    tracer, builder = rows.tracer, rows.tracer.builder
    ones = [ONE] * rows.shape[1]
    layer, out = builder.at[0], np.empty((rows.shape[0], matrix.shape[1]), np.int64)
    columns = matrix.wires.T.tolist()
    for r, row in enumerate(rows.wires.tolist()):
        group = tracer.new_group()
        for c, column in enumerate(columns):
            builder.at = (layer, (first_row + r) * len(columns) + c)
            products = [w.product(tracer, a, b, group) for a, b in zip(row, column, strict=True)]
            out[r, c] = w.combination(tracer, products, ones, ZERO, group)
    return FixedArray(tracer, out)
