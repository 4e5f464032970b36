"""Minifloat quantizers on wires: one rounding per binade, and a choice between them."""

from __future__ import annotations

import numpy as np

from ..errors import NeedsInputFormat
from ..fixed import Minifloat, exact
from ..frontends.graph import MinifloatQuantizer
from ..ir import Builder
from ..ir.program import integer_array
from . import tables
from .fixed_array import FixedArray
from .tracer import Tracer
from .unquantized import FunctionOf, RawInput


def quantize_minifloats(x: FixedArray, q: MinifloatQuantizer, where: str) -> FixedArray:
    """Element by element ``scaler * q(x / scaler)``.

    Raises
    ------
    NeedsInputFormat
        If an element is a model input, which only a fixed-point quantizer gives a format.
    NotExact
        If the scaler is no power of two.
    """
    m, e, e0 = (np.broadcast_to(a, x.shape).reshape(-1).tolist() for a in (q.m, q.e, q.e0))
    scaled = x if q.scaler == 1.0 else x / q.scaler
    tracer, (layer, _) = x.tracer, x.tracer.builder.at
    made = np.empty(x.size, np.int64)
    for n, wire in enumerate(scaled.wires.reshape(-1).tolist()):
        tracer.builder.at = (layer, n)
        made[n] = _quantized(tracer, wire, Minifloat(m[n], e[n], e0[n]), where)
    y = x.moved(made.reshape(x.shape))
    return y if q.scaler == 1.0 else y * q.scaler


def _quantized(tracer: Tracer, wire: int, number: Minifloat, where: str) -> int:
    if wire >= 0:
        return quantize_minifloat(tracer.builder, wire, number)
    given = tracer.deferred(wire)
    if isinstance(given, RawInput):
        raise NeedsInputFormat(
            f"{where} reads a model input with a minifloat quantizer, and a port takes fixed-point "
            "numbers only. Give the input a format with --input-format k,i,f."
        )
    if not isinstance(given, FunctionOf):
        raise given.refusal(where)
    return _table(tracer, given, number)


def _table(tracer: Tracer, given: FunctionOf, number: Minifloat) -> int:
    """A float function that ends in a minifloat."""
    grid = tables.grid_of(tracer, given.wire, given.float_type)
    values = tables.evaluated(tracer, given.function, grid)
    most = np.finfo(values.dtype).max
    finite = exact(np.clip(values, -most, most))  # infinity saturates
    pairs = zip(finite.mantissa.tolist(), finite.exponent.tolist(), strict=True)
    contents = integer_array([number.quantize(*pair) for pair in pairs])
    return tables.table_of(tracer, given.wire, contents, number.exponent)


def quantize_minifloat(builder: Builder, wire: int, number: Minifloat) -> int:
    """`wire` as a minifloat: exactly ``number.quantize`` of every mantissa that it can hold.

    From the least binade up, each one that `wire` reaches and that drops bits costs a rounding
    and a choice. The result's exponent is that of the finest step left.
    """
    lo, hi = builder.intervals[wire]
    exponent = builder.exponents[wire]
    if lo == hi:
        return builder.const(number.quantize(lo, exponent), number.exponent)
    reached = max(-lo, hi).bit_length() - 1 + exponent
    last = min(max(reached, number.least), number.greatest)
    # Up to here the steps are no coarser than the wire's own: nothing is rounded.
    first = min(max(number.m + exponent, number.least), last)
    result = _rounded(builder, wire, number, last)
    magnitude = builder.abs(wire) if lo < 0 else wire
    for binade in range(last - 1, first - 1, -1):
        is_within = _is_below(builder, magnitude, binade + 1)
        rounded = _rounded(builder, wire, number, binade)
        shift = builder.exponents[result] - builder.exponents[rounded]
        result = builder.mux(is_within, rounded, result, shift)
    return result


def _is_below(builder: Builder, magnitude: int, power: int) -> int:
    """One bit: ``magnitude < 2**power``, by its top bits."""
    top = builder.slice(magnitude, power - builder.exponents[magnitude], exponent=0)
    return builder.compare(top, builder.const(0, 0), "eq")


def _rounded(builder: Builder, wire: int, number: Minifloat, binade: int) -> int:
    """The result for a number of `binade` or below it; of others it may be anything.

    In the greatest binade it also holds for all that is beyond.
    """
    signed = int(builder.intervals[wire][0] < 0)
    shift = binade - number.m - builder.exponents[wire]
    if binade == number.greatest:
        if number.most(binade) == 0:
            return builder.const(0, binade - number.m)
        return builder.quantize(wire, shift, signed, number.m + 1, "RND_CONV", "SAT_SYM")
    low = _low_bits(builder, wire, binade + 1 - builder.exponents[wire])
    if shift <= 0:
        return low
    return builder.quantize(low, shift, signed, number.m + 2, "RND_CONV", "WRAP")


def _low_bits(builder: Builder, wire: int, bits: int) -> int:
    """`wire` as long as it is within ``2**bits``, on no more wires than that needs."""
    lo, hi = builder.intervals[wire]
    least, most = -(1 << bits) * (lo < 0), (1 << bits) - 1
    if least <= lo and hi <= most:
        return wire
    if bits == 0:
        return builder.const(0, builder.exponents[wire])
    return builder.slice(wire, interval=(least, most), wraps=True)
