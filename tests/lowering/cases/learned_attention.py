"""Attention with learned tables for its projections."""

from __future__ import annotations

import numpy as np

from hgq2rtl.frontends import Layer

from ...frontends.evaluate import quantized
from ..graphs import quantizer
from .case import Case
from .learned_table import Tables

QUERIES, KEYS, HEADS, DIM = 2, 3, 2, 1
SIZES = {"h": HEADS, "y": DIM, "o": 2}
IN_HEADS = "zpc,chy->zphy"
MADE = {
    role: (quantizer(i=1, f=1, overflow="SAT"),) for role in ("query", "key", "value", "softmax")
}
"""Output quantizers, by part."""
EXP = {"input": (quantizer(k=0, i=2, f=1),), "output": (quantizer(k=0, i=1, f=4, overflow="SAT"),)}
INVERSE = {"input": (quantizer(k=0, i=2, f=2),), "output": EXP["output"]}


def projection(role: str, equation: str, shape: tuple[int, ...]) -> Tables:
    tables = Tables(equation, shape, SIZES, has_bias=role != "key")
    tables.quantizers |= {"output": MADE[role]} if role in MADE else {}
    return tables


def attention(channels: int, places: int | None = None) -> Case:
    """On queries and on what is key and value; maybe projected to fewer places."""
    seen = KEYS if places is None else places
    tables = {
        "query": projection("query", IN_HEADS, (QUERIES, channels)),
        "key": projection("key", IN_HEADS, (seen, channels)),
        "value": projection("value", IN_HEADS, (seen, channels)),
        "output": projection("output", "zphy,hyo->zpo", (QUERIES, HEADS, DIM)),
    }
    if places is not None:
        for role in ("lin_k", "lin_v"):
            tables[role] = Tables("zsc,st->ztc", (KEYS, channels), {"t": places})

    def meaning(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        key, value = (tables[r].meaning(y) if r in tables else y for r in ("lin_k", "lin_v"))
        q, k, v = (tables[r].meaning(a) for r, a in (("query", x), ("key", key), ("value", value)))
        scores = np.einsum("zshy,zphy->zhps", k, q)
        distance = quantized(scores.max(-1, keepdims=True) - scores, EXP["input"][0])
        e = quantized(np.exp(-distance), EXP["output"][0])
        total = quantized(e.sum(-1, keepdims=True), INVERSE["input"][0])
        inverse = quantized(1 / (total + 1e-7), INVERSE["output"][0])
        weights = quantized(e * inverse, MADE["softmax"][0])
        return tables["output"].meaning(np.einsum("zhps,zshy->zphy", weights, v))

    parts = {role: each.layer(role) for role, each in tables.items()}
    function = {"activation": "linear"}
    softmax_parts = {
        "exp_table": Layer("exp", "QUnaryFunctionLUT", function, {}, EXP),
        "inv_table": Layer("inv", "QUnaryFunctionLUT", function, {}, INVERSE),
    }
    softmax = {"axes": (2,), "stable": True, "input_scaler": 1.0}
    made = {"output": MADE["softmax"]}
    parts["softmax"] = Layer("softmax", "QSoftmax", softmax, {}, made, softmax_parts)
    config = {
        "fuse": "none",
        "returns_scores": False,
        "scores": "shy,phy->hps",
        "values": "hps,shy->phy",
    }
    return Case(
        meaning,
        ((QUERIES, channels), (KEYS, channels)),
        config,
        arguments={"operands": (0, 1, 1), "masks": ()},
        parts=parts,
    )


CASES = {
    "QMultiHeadAttentionT": [attention(2)],
    "QLinformerAttentionT": [attention(2, places=2)],
}
