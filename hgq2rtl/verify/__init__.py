"""The verification ladder: every rung equals the one before, bit for bit.

Takes a compiled design, gives a :class:`CheckResult` or raises ``Mismatch``
naming the first layer and sample that differ.
"""

from ..bundle.stimulus import float_stimulus, port_stimulus
from .check import CheckResult, check_verilog, simulate
from .framework import check_framework
from .overflow import OverflowShare, overflow_shares

__all__ = [
    "CheckResult",
    "OverflowShare",
    "check_framework",
    "check_verilog",
    "float_stimulus",
    "overflow_shares",
    "port_stimulus",
    "simulate",
]
