"""EBOPs of function tables, softmax and attention.

HGQ2 leaves out of QLinformerAttention and QSALTAttention all parts but those that project
over places, or convolve; here all parts count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..frontends.graph import Call, Layer
from .ebops_bits import bits

Shape = tuple[int, ...]
ENTRY = 1e-4
"""HGQ2's price of one bit of an entry of a table."""


def function_table(call: Call, shapes: Sequence[Shape]) -> float:
    """A table for each element."""
    x, y = _at(call.layer, "input", shapes[0]), _at(call.layer, "output", shapes[0])
    return float(ENTRY * (np.exp2(x) * y).sum())


def softmax(call: Call, shapes: Sequence[Shape]) -> float:
    """Distances to the maximum, exponentials and their sum, products with its inverse."""
    shape, axes = shapes[0], call.layer.config["axes"]
    exp_table, inv_table = (call.layer.parts[name] for name in ("exp_table", "inv_table"))
    sums = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    e, inverse = _at(exp_table, "output", shape), _at(inv_table, "output", sums)
    x = _at(call.layer, "input", shape)
    count = e.sum() - e.min(axis=axes).sum() + (e * inverse).sum()
    if not call.layer.config["stable"]:
        return float(count + ENTRY * (np.exp2(x) * e).sum() + _table(inv_table, sums))
    entering = _at(exp_table, "input", shape)
    distances = x if call.layer.quantizers.get("input") else entering
    return float(count + distances.sum() + _table(exp_table, shape) + _table(inv_table, sums))


def attention(call: Call, inside: Callable[[Layer, Shape], float]) -> float:
    """Products of queries with keys, and of scores with values; and all parts.

    Parameters
    ----------
    inside : EBOPs of a layer on a tensor of a shape
    """
    layer, parts = call.layer, call.layer.parts
    shapes: dict[str, Shape] = layer.config["part_shapes"]
    scores = shapes["softmax"]
    heads = {
        role: _at(parts[role], "output", (*shapes[role][:-1], scores[0], layer.config[dim]))
        for role, dim in (("query", "key_dim"), ("key", "key_dim"), ("value", "value_dim"))
    }
    seen = _at(parts["softmax"], "output", scores)
    operands = layer.config["scores"].split("->")[0], layer.config["values"].split("->")[0]
    products = np.einsum(f"{operands[0]}->", heads["key"], heads["query"], optimize=True)
    products += np.einsum(f"{operands[1]}->", seen, heads["value"], optimize=True)
    return float(products) + sum(
        inside(_with_input_of_key(layer, role), shapes[role]) for role in shapes
    )


def _with_input_of_key(layer: Layer, role: str) -> Layer:
    """A part, with the input quantizer that it shares."""
    part, fuse = layer.parts.get(role, layer.parts.get("lin_k")), layer.config["fuse"]
    assert part is not None
    if (role == "query" and fuse == "qkv") or (role == "value" and fuse != "none"):
        shared = layer.parts["key"].quantizers.get("input", ())
        return replace(part, quantizers={**part.quantizers, "input": shared})
    return part


def _table(table: Layer, shape: Shape) -> float:
    return function_table(Call(table, (), ()), [shape])


def _at(layer: Layer, place: str, shape: Shape) -> np.ndarray:
    quantizers = layer.quantizers.get(place, ())
    return bits(quantizers[0], shape) if quantizers else np.zeros(shape)
