"""Sorting networks, and the places of greatest and least elements.

Places ride along as low bits below the number: ``number << bits | place`` is a
free concatenation, and comparing such keys compares numbers first, then places.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import wires as w
from .fixed_array import FixedArray
from .reductions import greatest, least


def argmax(x: FixedArray, axis: int | None = None) -> FixedArray:
    """``numpy.argmax``: of equal elements the first."""
    rows, shape = _along(x, axis)
    bits = _place_bits(rows.shape[-1])
    keys = _keyed(rows, last_first=True)
    place = _places(greatest(keys, axis=-1), bits)
    return place.bitwise((1 << bits) - 1, "xor").reshape(shape) if bits else place.reshape(shape)


def argmin(x: FixedArray, axis: int | None = None) -> FixedArray:
    """``numpy.argmin``: of equal elements the first."""
    rows, shape = _along(x, axis)
    keys = _keyed(rows, last_first=False)
    return _places(least(keys, axis=-1), _place_bits(rows.shape[-1])).reshape(shape)


def sort(x: FixedArray, axis: int | None = -1) -> FixedArray:
    """``numpy.sort``, rising, by Batcher's odd-even merge network."""
    rows = _last(x, axis)
    return _back(x, _network(rows), axis)


def argsort(x: FixedArray, axis: int | None = -1) -> FixedArray:
    """``numpy.argsort(kind="stable")``."""
    rows = _last(x, axis)
    if rows.shape[-1] < 2:
        return _back(x, rows.lifted(np.zeros(rows.shape, int)), axis)
    keys = _network(_keyed(rows, last_first=False))
    return _back(x, _places(keys, _place_bits(rows.shape[-1])), axis)


def _network(x: FixedArray) -> FixedArray:
    """Sort the last axis; Batcher, "Sorting Networks and Their Applications", AFIPS 1968."""
    builder = x.formatted().tracer.builder
    wires = x.wires.reshape(-1, x.shape[-1]).copy()
    for row in wires:
        for low, high in _comparators(len(row)):
            a, b = int(row[low]), int(row[high])
            row[low], row[high] = w.minimum(builder, a, b), w.maximum(builder, a, b)
    return x.moved(wires.reshape(x.shape))


def _comparators(n: int) -> Iterator[tuple[int, int]]:
    """Pairs to put in order, for any `n`; Knuth, TAOCP 3, 5.2.2, algorithm M."""
    if n < 2:
        return
    top = 1 << ((n - 1).bit_length() - 1)
    p = top
    while p:
        q, r, d = top, 0, p
        while True:
            yield from ((i, i + d) for i in range(n - d) if i & p == r)
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1


def _place_bits(count: int) -> int:
    return (count - 1).bit_length()


def _keyed(rows: FixedArray, last_first: bool) -> FixedArray:
    """Numbers of the last axis at one exponent, with their place in low bits."""
    builder, count = rows.tracer.builder, rows.formatted().shape[-1]
    bits = _place_bits(count)
    flip = (1 << bits) - 1 if last_first else 0
    finest = min((builder.exponents[v] for v in rows.wires.reshape(-1).tolist()), default=0)

    def one(n: int) -> int:
        number = w.aligned(builder, rows._at(n), finest)
        if not bits:
            return number
        place = rows.tracer.constant((n % count) ^ flip, 0)
        return builder.concat(place, number, bits, exponent=0)

    return rows._each(rows.shape, one)


def _places(keys: FixedArray, bits: int) -> FixedArray:
    """The place that a key carries."""
    builder, tracer = keys.tracer.builder, keys.tracer

    def one(n: int) -> int:
        if not bits:
            return tracer.constant(0, 0)
        whole = (0, (1 << bits) - 1)
        return builder.slice(keys._at(n), 0, interval=whole, wraps=True, exponent=0)

    return keys._each(keys.shape, one)


def _along(x: FixedArray, axis: int | None) -> tuple[FixedArray, tuple[int, ...]]:
    """The axis last, and the shape of the result."""
    rows = _last(x, axis)
    if not rows.shape[-1]:
        raise ValueError("an axis without elements has no greatest and no least")
    return rows, rows.shape[:-1]


def _last(x: FixedArray, axis: Any) -> FixedArray:
    return x.reshape(math.prod(x.shape)) if axis is None else _swapped(x, axis)


def _back(x: FixedArray, rows: FixedArray, axis: Any) -> FixedArray:
    return rows if axis is None else rows.moved(np.moveaxis(rows.wires, -1, axis))


def _swapped(x: FixedArray, axis: int) -> FixedArray:
    return x.moved(np.moveaxis(x.wires, axis, -1) if x.shape else x.wires)
