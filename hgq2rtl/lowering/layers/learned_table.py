"""Learned tables: layers whose products are small networks, trained and then tabulated."""

from __future__ import annotations

import math

from ..fixed_array import FixedArray
from ..handlers import finish, handles
from ..layer import LoweringLayer
from ..learned_table import Networks, looked_up
from ..patches import patches
from .attention import lower_attention


@handles("QDenseT", "QEinsumDenseT")
def lower_tables(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``sum(table(x))`` over the inputs of each output: one table for each pair of an input and
    an output, filled with what the pair's network gives.

    Tables of up to 18 input bits; the networks' functions may be any that a table may hold.
    """
    return finish(layer, _summed_tables(layer, x))


@handles("QConvT1D", "QConvT2D")
def lower_convolved_tables(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """The same over all that a window sees, at each of its positions: padding valid or same,
    channels last, one group.
    """
    seen = patches(x, layer.config["windows"])
    return finish(layer, _summed_tables(layer, seen.reshape(*seen.shape[:-2], -1)))


@handles("QMultiHeadAttentionT", "QLinformerAttentionT")
def lower_attention_of_tables(
    layer: LoweringLayer, *inputs: FixedArray
) -> FixedArray | tuple[FixedArray, ...]:
    """QMultiHeadAttention and QLinformerAttention whose projections are learned tables."""
    return lower_attention(layer, *inputs)


def _summed_tables(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """The sum over the tables of each output, by the layer's equation."""
    operands, output = layer.config["equation"].split("->")
    kernel = operands.split(",")[1]
    edges, output = layer.config["edges"], output[1:]
    shape = layer.config["edge_shape"]
    spread = x.reshape(x.shape + (1,) * (len(edges) - x.ndim)).broadcast_to(shape)
    summed = tuple(n for n, label in enumerate(edges) if label not in output)
    fan_in = math.prod(shape[n] for n in summed)
    networks = Networks(layer, edges, shape, kernel, fan_in)
    y = looked_up(networks, layer.quantize("input", spread), layer.where)
    if summed:
        y = y.sum(axis=summed)
    left = [label for label in edges if label in output]
    return y.transpose(tuple(left.index(label) for label in output))
