"""From a LayerGraph to a Program: one handler per layer class.

Takes the records of ``frontends``; gives a Program of inputs, linear
combinations, quantizers and relus, exact and unoptimised.
"""

from .fixed_array import FixedArray
from .handlers import HANDLERS
from .lower import FormatWish, lower

__all__ = ["HANDLERS", "FixedArray", "FormatWish", "lower"]
