"""From a LayerGraph, or a function of arrays, to a Program.

Takes the records of ``frontends``, one handler per layer class, or a user's
function; gives a Program of inputs, linear combinations, quantizers, tables and
choices, exact and unoptimised.
"""

from .fixed_array import FixedArray
from .handlers import HANDLERS
from .lower import lower
from .trace import Input, quantize, trace_function
from .wishes import FormatWish

__all__ = ["HANDLERS", "FixedArray", "FormatWish", "Input", "lower", "quantize", "trace_function"]
