"""Fixed-point numbers: formats, intervals, and quantizers on integers.

A number is ``mantissa * 2**exponent`` with a static exponent. Everything here
is a pure function of integers; :mod:`~hgq2rtl.fixed.float32` is the border
where floats of a model become integers exactly as the framework does it.
"""

from .constant import ExactArray, exact
from .float32 import quantize_float32
from .format import Format, bit_width, bit_widths
from .interval import (
    interval_add,
    interval_mul,
    interval_shift,
    interval_union,
)
from .quantize import OVERFLOWS, ROUNDINGS, limits, quantize, round_mantissa, wrap

__all__ = [
    "OVERFLOWS",
    "ROUNDINGS",
    "ExactArray",
    "Format",
    "bit_width",
    "bit_widths",
    "exact",
    "interval_add",
    "interval_mul",
    "interval_shift",
    "interval_union",
    "limits",
    "quantize",
    "quantize_float32",
    "round_mantissa",
    "wrap",
]
