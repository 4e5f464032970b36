"""EBOPs of learned tables: what they cost in tables of a few inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..frontends.graph import AnyQuantizer, Call, MinifloatQuantizer

Shape = tuple[int, ...]


def learned_tables(call: Call, shapes: Sequence[Shape]) -> float:
    """Physical tables for each edge, as HGQ2 counts them, and one adder bit for each output bit."""
    config = call.layer.config
    if not call.layer.quantizers.get("input"):
        return 0.0
    inputs, priced = config["table_idxs"]
    x, y = (_bits(call, place, config["edge_shape"]) for place in ("input", "table"))
    tables = np.where(x >= priced, np.exp2(x - priced), x / priced)
    return float((tables * y).sum() * 2.0 ** (priced - inputs) + y.sum())


def _bits(call: Call, place: str, shape: Shape) -> np.ndarray:
    """Bits with their sign, which WRAP does not count where it has no other bit."""
    (q,) = call.layer.quantizers[place]
    return np.broadcast_to(_width(q), shape).astype(np.float64)


def _width(q: AnyQuantizer) -> np.ndarray:
    if isinstance(q, MinifloatQuantizer):
        return np.maximum(q.m + q.e + 1, 0)
    bits = np.maximum(q.i + q.f, 0)
    return bits + q.k * ((bits > 0) | (q.overflow != "WRAP"))
