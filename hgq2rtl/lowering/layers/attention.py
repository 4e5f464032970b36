"""Attention: scores of queries and keys, their softmax, and what it takes of the values."""

from __future__ import annotations

import numpy as np

from ..fixed_array import FixedArray
from ..handlers import HANDLERS, handles
from ..layer import LoweringLayer
from ..products import einsum
from .softmax import Mask, masked_softmax, truth_values


@handles("QMultiHeadAttention", "QLinformerAttention", "QSALTAttention")
def lower_attention(
    layer: LoweringLayer, *inputs: FixedArray
) -> FixedArray | tuple[FixedArray, FixedArray]:
    """``output(softmax(query @ key) @ value)`` for each head, unrolled: every product is a
    multiplier. Keys and values may be projected over places (Linformer), also within clusters,
    and the scores convolved (SALT). Masks may be constant, causal, or truth values.

    The attention goes along all axes between batch and channels.
    """
    query, value, key = (inputs[n] for n in layer.arguments["operands"][:3])
    masks = layer.operands(inputs)[3:]
    key, value = _over_places(layer, "k", key), _over_places(layer, "v", value)
    q, k, v = _projected(layer, query, key, value)
    scores = einsum(layer.config["scores"], k, q)
    if layer.has_part("conv"):
        scores = _part(layer, "conv", scores)
    softmax = masked_softmax(layer.part("softmax"), scores, _mask(layer, masks))
    output = _part(layer, "output", einsum(layer.config["values"], softmax, v))
    return (output, softmax) if layer.config["returns_scores"] else output


def _part(layer: LoweringLayer, role: str, x: FixedArray) -> FixedArray:
    part = layer.part(role)
    made = HANDLERS[part.layer.class_name](part, x)
    assert isinstance(made, FixedArray)
    return made


def _projected(
    layer: LoweringLayer, query: FixedArray, key: FixedArray, value: FixedArray
) -> tuple[FixedArray, FixedArray, FixedArray]:
    """Queries, keys and values of each head; what is fused shares the key's input quantizer."""
    fuse, shared = layer.config["fuse"], layer.part("key")
    k = _part(layer, "key", key)
    if fuse == "qkv":
        query = shared.quantize("input", query)
    if fuse != "none":
        value = shared.quantize("input", value)
    return _part(layer, "query", query), k, _part(layer, "value", value)


def _over_places(layer: LoweringLayer, role: str, x: FixedArray) -> FixedArray:
    """Keys or values projected to fewer places, if the layer does that."""
    if not layer.has_part("lin_k"):
        return x
    count = layer.config.get("clusters", {}).get(role)
    if count is not None:
        zeros = x.lifted(np.zeros((-x.shape[0] % count, x.shape[1])))
        x = FixedArray.concatenate([x, zeros], axis=0).reshape(count, -1, x.shape[1])
    return _part(layer, f"lin_{role}" if layer.has_part(f"lin_{role}") else "lin_k", x)


def _mask(layer: LoweringLayer, masks: list[Mask]) -> Mask | None:
    """All masks in one, which spreads to (heads, asking places, seen places)."""
    joined: Mask | None = None
    for kind, given in zip(layer.arguments["masks"], masks, strict=True):
        mask: Mask = truth_values(layer, given) if isinstance(given, FixedArray) else given
        mask = mask.reshape({"query": (-1, 1), "key": (1, -1)}.get(kind, mask.shape))
        joined = mask if joined is None else joined & mask
    return joined
