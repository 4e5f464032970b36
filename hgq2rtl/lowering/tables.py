"""Functions as tables: contents over the exact grid of the incoming interval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import NotExact, TooLarge
from ..fixed import quantize_float
from .tracer import Tracer
from .wires import ElementQuantizer

WIDEST_INPUT = 18
"""Bits: 2**18 entries of 8 bits fill 57 block RAMs of 36 kbit, and more is no table."""


def lookup(
    tracer: Tracer,
    wire: int,
    function: Callable[[np.ndarray], Any],
    q: ElementQuantizer,
    float_type: str,
) -> int:
    """The wire of ``q(function(wire))``: a table, or a constant where all entries are equal.

    Parameters
    ----------
    function : takes and gives float arrays of `float_type`

    Raises
    ------
    TooLarge
        If the table would have more than ``2**WIDEST_INPUT`` entries.
    NotExact
        If the function gives NaN, or something that is no array of real numbers.
    """
    builder = tracer.builder
    if q.k + q.i + q.f <= 0:
        return builder.const(0, -q.f)
    grid = grid_of(tracer, wire, float_type)
    values = evaluated(tracer, function, grid) / grid.dtype.type(q.scaler)
    k, i, f = np.array(q.k), np.array(q.i), np.array(q.f)
    contents = quantize_float(values, k, i, f, q.rounding, q.overflow, float_type)
    return table_of(tracer, wire, contents, -q.f)


def table_of(tracer: Tracer, wire: int, contents: np.ndarray, exponent: int) -> int:
    """The wire of ``contents[wire]`` over the whole interval of `wire`, mantissas at `exponent`."""
    builder = tracer.builder
    if (contents == contents[0]).all():
        return builder.const(int(contents[0]), exponent)
    table = tracer.table(builder.intervals[wire][0], contents)
    return builder.lookup(wire, table, exponent=exponent)


def grid_of(tracer: Tracer, wire: int, float_type: str) -> np.ndarray:
    """All numbers that `wire` can be, rising, as floats.

    Raises
    ------
    TooLarge
        If they are more than a table holds.
    """
    lo, hi = tracer.builder.intervals[wire]
    if hi - lo >= 1 << WIDEST_INPUT:
        bits = (hi - lo).bit_length()
        raise TooLarge(
            f"{tracer.where}: a table over {bits} input bits has 2^{bits} entries; the limit is "
            f"{WIDEST_INPUT} bits. Give its input quantizer fewer bits."
        )
    # Mantissas beyond 53 bits round as the float type rounds them; so does the framework.
    mantissas = (
        np.array([float(lo + n) for n in range(hi - lo + 1)])
        if abs(lo) > 2**52 or abs(hi) > 2**52
        else np.arange(lo, hi + 1).astype(np.float64)
    )
    return np.ldexp(mantissas, tracer.builder.exponents[wire]).astype(float_type)


def evaluated(
    tracer: Tracer, function: Callable[[np.ndarray], Any], grid: np.ndarray
) -> np.ndarray:
    """``function(grid)``, checked."""
    with np.errstate(all="ignore"):
        values = np.asarray(function(grid))
    if values.dtype.kind not in "fiub" or values.shape not in ((), grid.shape):
        raise NotExact(
            f"{tracer.where}: a function for a table must give one real number per input number; "
            f"it gave an array of type {values.dtype} and shape {values.shape} for shape "
            f"{grid.shape}."
        )
    values = np.broadcast_to(values, grid.shape).astype(grid.dtype)
    if np.isnan(values).any():
        at = grid[np.flatnonzero(np.isnan(values))[0]]
        raise NotExact(
            f"{tracer.where}: the function of a table is no number at {at:g}, which its input can "
            "be. Narrow the input's format to where the function is defined."
        )
    return values
