"""Embedding: one table for each component of the vectors."""

from __future__ import annotations

import numpy as np

from ...errors import NotExact
from ...fixed import ExactArray
from ..fixed_array import FixedArray
from ..handlers import handles
from ..layer import LoweringLayer
from ..tables import grid_of, table_of


@handles("Embedding")
def lower_embedding(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Row ``x`` of the embeddings, a table per component: exact. The input's format must hold
    row numbers only; negative ones count from the end."""
    whole = x.rounded("TRN_ZERO").formatted()
    mantissas, exponent = _common(layer, layer.array("embeddings"))
    tracer, rows = x.tracer, len(mantissas)
    wires = np.empty((whole.size, mantissas.shape[1]), np.int64)
    for n, wire in enumerate(whole.wires.reshape(-1).tolist()):
        numbers = grid_of(tracer, wire, "float64").astype(np.int64)
        if numbers[0] < -rows or numbers[-1] >= rows:
            raise NotExact(
                f"{layer.where}: its input can be {numbers[0]} to {numbers[-1]}, and the rows are "
                f"0 to {rows - 1}. Give the input a format that holds these only "
                "(--input-format 0,i,0), or clip it."
            )
        wires[n] = [table_of(tracer, wire, column[numbers], exponent) for column in mantissas.T]
    return FixedArray(tracer, wires.reshape(*x.shape, -1))


def _common(layer: LoweringLayer, values: ExactArray) -> tuple[np.ndarray, int]:
    """Mantissas at the finest exponent of all."""
    finest = int(values.exponent.min())
    widest = int(
        np.max(values.exponent + [[int(m).bit_length() for m in r] for r in values.mantissa])
    )
    if widest - finest > 62:
        raise NotExact(
            f"{layer.where}: its embeddings span {widest - finest} bits, and a table holds 62. "
            "Quantize the embeddings."
        )
    return values.mantissa.astype(np.int64) << (values.exponent - finest), finest
