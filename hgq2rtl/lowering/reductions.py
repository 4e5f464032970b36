"""Many elements into one along axes: sums, and balanced trees of choices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import wires as w
from .fixed_array import FixedArray
from .wires import ONE, ZERO

Axes = Any
"""An axis, several, or None for all."""


def total(x: FixedArray, axis: Axes = None, keepdims: bool = False) -> FixedArray:
    """``numpy.sum``: one linear combination for each element of the result."""
    tracer, group = x.tracer, x.tracer.new_group()

    def one(row: list[int]) -> int:
        return w.combination(tracer, row, [ONE] * len(row), ZERO, group)

    return _reduced(x.formatted(), axis, keepdims, one)


def mean(x: FixedArray, axis: Axes = None, keepdims: bool = False) -> FixedArray:
    """``numpy.mean``: open until a quantizer follows, unless over a power of two."""
    axes = _axes(x, axis)
    return total(x, axis, keepdims) / math.prod(x.shape[n] for n in axes)


def greatest(x: FixedArray, axis: Axes = None, keepdims: bool = False) -> FixedArray:
    """``numpy.max``."""
    return x.moved(_tree(x, axis, keepdims, w.maximum, may_repeat=False).wires)


def least(x: FixedArray, axis: Axes = None, keepdims: bool = False) -> FixedArray:
    """``numpy.min``."""
    return x.moved(_tree(x, axis, keepdims, w.minimum, may_repeat=False).wires)


def any_true(x: FixedArray, axis: Axes = None, keepdims: bool = False) -> FixedArray:
    """``numpy.any``."""
    made = _tree(x.truth(), axis, keepdims, lambda b, p, q: w.bitwise(b, p, q, "or"))
    return FixedArray(x.tracer, made.wires, is_bool=True)


def all_true(x: FixedArray, axis: Axes = None, keepdims: bool = False) -> FixedArray:
    """``numpy.all``."""
    made = _tree(x.truth(), axis, keepdims, lambda b, p, q: w.bitwise(b, p, q, "and"))
    return FixedArray(x.tracer, made.wires, is_bool=True)


def product(x: FixedArray, axis: Axes = None, keepdims: bool = False) -> FixedArray:
    """``numpy.prod``."""
    group = x.tracer.new_group()
    return _tree(x, axis, keepdims, lambda _, p, q: w.product(x.tracer, p, q, group))


def _tree(
    x: FixedArray,
    axis: Axes,
    keepdims: bool,
    join: Callable[[Any, int, int], int],
    may_repeat: bool = True,
) -> FixedArray:
    """Pairs, pairs of pairs, and so on: the depth is logarithmic.

    Where `may_repeat` is false, a wire that comes again is left out: it changes no choice.
    """
    builder = x.tracer.builder

    def one(row: list[int]) -> int:
        row = row if may_repeat else list(dict.fromkeys(row))
        while len(row) > 1:
            joined = [join(builder, a, b) for a, b in zip(row[::2], row[1::2], strict=False)]
            row = joined + row[len(row) // 2 * 2 :]
        return row[0]

    return _reduced(x.formatted(), axis, keepdims, one)


def _reduced(
    x: FixedArray, axis: Axes, keepdims: bool, one: Callable[[list[int]], int]
) -> FixedArray:
    """`one` on all elements along the axes, for each place across them."""
    axes = _axes(x, axis)
    across = [n for n in range(x.ndim) if n not in axes]
    shape = tuple(x.shape[n] for n in across)
    count = math.prod(x.shape[n] for n in axes)
    if count == 0:
        raise ValueError("nothing to reduce: an axis has no elements")
    rows = x.wires.transpose([*across, *axes]).reshape(-1, count).tolist()
    made = x._each(shape, lambda n: one(rows[n]))
    if keepdims:
        return made.reshape(tuple(1 if n in axes else size for n, size in enumerate(x.shape)))
    return made


def _axes(x: FixedArray, axis: Axes) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    given = axis if isinstance(axis, tuple | list) else (axis,)
    normalized = tuple(int(n) + x.ndim if n < 0 else int(n) for n in given)
    if any(not 0 <= n < x.ndim for n in normalized) or len(set(normalized)) != len(normalized):
        raise np.exceptions.AxisError(f"axis {axis} does not fit an array of {x.ndim} axes")
    return normalized
