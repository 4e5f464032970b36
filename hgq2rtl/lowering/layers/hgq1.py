"""What only HGQ v1 has: quantizers of trained models, declared inputs, stored tables."""

from __future__ import annotations

from typing import cast

import numpy as np

from ...fixed import exact
from ...frontends.graph import Quantizer
from ..fixed_array import FixedArray
from ..handlers import handles
from ..layer import LoweringLayer
from ..tables import table_of
from ..tracer import Tracer
from ..unquantized import FunctionOf


@handles("HQuantize")
def lower_rounding(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Rounds to the stored fraction bits. Integer bits are as many as the exact interval takes,
    so nothing overflows: a trained HGQ v1 model does not either, and its file holds no range.
    """
    q = _format(layer)
    fractions = np.broadcast_to(q.f, x.shape)
    rounded = np.empty(x.shape, np.int64)
    is_function = _is_function(x)
    for part in (is_function, ~is_function):
        if part.any():
            given, f = x.moved(x.wires[part]), fractions[part]
            if part is is_function:
                made = given.quantize(1, q.i.max(), f, q.rounding, "NONE")
            else:
                made = (given * np.ldexp(1.0, f)).rounded(q.rounding) * np.ldexp(1.0, -f)
            rounded[part] = made.wires
    return x.moved(rounded)


def _format(layer: LoweringLayer) -> Quantizer:
    """HGQ v1 has fixed-point quantizers only."""
    return cast(Quantizer, layer.layer.quantizers["input"][0])


def _is_function(x: FixedArray) -> np.ndarray:
    """Which elements are float functions that a quantizer makes a table."""
    found = [n < 0 and isinstance(x.tracer.deferred(n), FunctionOf) for n in x.wires.flat]
    return np.array(found, bool).reshape(x.shape)


@handles("FixedPointQuantizer")
def lower_overflow(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """A quantizer with an overflow mode that only HGQ v1 has: SAT_ZERO (zero beyond the format)
    or WRAP_SM (reflection at its ends). A model input needs a format in front of it.
    """
    q = _format(layer)
    bits = np.broadcast_to(q.i + q.f, x.shape)
    end, low = np.ldexp(1.0, bits), np.ldexp(-q.k.astype(float), bits)
    m = (x * np.ldexp(1.0, q.f)).rounded(q.rounding)
    if layer.config["overflow"] == "SAT_ZERO":
        y = ((m >= low) & (m < end)).where(m, 0)
    else:
        count = end - low
        wave = (m - end).quantize(0, bits + q.k + 1, 0) - count
        y = (wave >= 0).where(wave, -wave - 1) + low
    is_alive = q.k + q.i + q.f > 0
    return y * np.where(is_alive, np.ldexp(1.0, -q.f), 0)


@handles("Signature")
def lower_signature(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Gives an input the declared format, where the user gives none."""
    return layer.quantize("input", x) if np.any(x.wires < 0) else x


@handles("UnaryLUT")
def lower_unary_lut(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """A stored table, addressed by the input rounded half to even to its format, with WRAP."""
    x = layer.quantize("input", x)
    contents = exact(layer.raw("table"))
    exponent = int(contents.exponent.min())
    table = contents.mantissa << (contents.exponent - exponent)
    f = int(_format(layer).f.max())
    return x.elementwise(lambda wire: _looked_up(x.tracer, wire, f, table, exponent), None, x)


def _looked_up(tracer: Tracer, wire: int, f: int, table: np.ndarray, exponent: int) -> int:
    """The entry of `wire`; negative numbers stand in the second half."""
    (lo, hi), at = tracer.builder.intervals[wire], tracer.builder.exponents[wire]
    addresses = (np.arange(lo, hi + 1) << (at + f)) % len(table)
    return table_of(tracer, wire, table[addresses], exponent)
