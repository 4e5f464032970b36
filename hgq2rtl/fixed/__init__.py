"""Fixed-point numbers: formats, intervals, and quantizers on integers.

A number is ``mantissa * 2**exponent`` with a static exponent. Everything here
is a pure function of integers; :mod:`~hgq2rtl.fixed.border` is where
floats of a model become integers exactly as the framework does it.
"""

from .border import FLOAT_TYPES, quantize_float
from .constant import ExactArray, exact
from .format import Format, bit_width, bit_widths
from .interval import (
    interval_add,
    interval_mul,
    interval_shift,
    interval_union,
)
from .minifloat import Minifloat, minifloats
from .quantize import OVERFLOWS, ROUNDINGS, limits, quantize, round_mantissa, wrap

__all__ = [
    "FLOAT_TYPES",
    "OVERFLOWS",
    "ROUNDINGS",
    "ExactArray",
    "Format",
    "Minifloat",
    "bit_width",
    "bit_widths",
    "exact",
    "interval_add",
    "interval_mul",
    "interval_shift",
    "interval_union",
    "limits",
    "quantize",
    "quantize_float",
    "minifloats",
    "round_mantissa",
    "wrap",
]
