"""Bits of a number, and what one bit of an addition costs, as HGQ2 counts EBOPs."""

from __future__ import annotations

import numpy as np

from ..frontends.graph import AnyQuantizer, MinifloatQuantizer

ADDITION = 0.65
"""HGQ2's price of one bit of an addition."""


def bits(q: AnyQuantizer, shape: tuple[int, ...]) -> np.ndarray:
    """Bits that count: the sign only under SAT, as HGQ2 has it, and of a minifloat."""
    if isinstance(q, MinifloatQuantizer):
        return np.broadcast_to(np.maximum(q.m + q.e + 1, 0), shape).astype(np.float64)
    magnitude = np.maximum(q.i + q.f, 0) + (q.k if q.overflow == "SAT" else 0)
    return np.broadcast_to(magnitude, shape).astype(np.float64)
