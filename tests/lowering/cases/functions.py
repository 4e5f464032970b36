"""Function tables, softmax and attention, against their definition in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hgq2rtl.frontends import Layer, Quantizer
from hgq2rtl.frontends.windows import Window

from ...frontends.evaluate import quantized
from ..graphs import quantizer
from .case import COARSE, Case, weights

# -- tables ----------------------------------------------------------------------

TABLE = quantizer(1, 1, 6, "RND_CONV", "SAT")
PER_ELEMENT = quantizer(1, [1, 2, 1, 0], [6, 3, 0, 0], "RND", "SAT_SYM")
"""The last one has no bits but the sign."""


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


def single(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """In float32, of float64 accuracy."""
    return function(x).astype(np.float32)


def table(name: str, function: Callable[[np.ndarray], np.ndarray], q: Quantizer) -> Case:
    return Case(
        lambda x: quantized(single(function, quantized(x, COARSE)), q),
        config={"activation": name},
        quantizers={"input": (COARSE,), "output": (q,)},
    )


AFFINE = Case(
    lambda x: quantized(
        single(np.tanh, (x * np.float32(0.3) + np.float32(0.7)).astype(np.float32)), TABLE
    ),
    config={"activation": "tanh"},
    arrays={"scale": np.array([0.3], np.float32), "bias": np.array([0.7], np.float32)},
    quantizers={"output": (TABLE,)},
)

# -- softmax ---------------------------------------------------------------------

EXP_IN = quantizer(0, 2, 2, "RND", "SAT")
EXP_OUT = quantizer(0, 0, 6, "RND_CONV", "SAT")
INV_IN = quantizer(0, 2, 4, "RND", "SAT")
INV_OUT = quantizer(0, 3, 5, "RND_CONV", "SAT")
SOFTMAX_OUT = quantizer(0, 1, 4, "RND", "SAT")


def softmax_layer(axes: tuple[int, ...], stable: bool = True, scaler: float = 1.0) -> Layer:
    exp_quantizers = {"input": (EXP_IN,), "output": (EXP_OUT,)}
    if not stable:
        del exp_quantizers["input"]
    return Layer(
        "softmax",
        "QSoftmax",
        {"axes": axes, "stable": stable, "input_scaler": scaler},
        quantizers={"output": (SOFTMAX_OUT,)},
        parts={
            "exp_table": Layer("exp", "QUnaryFunctionLUT", quantizers=exp_quantizers),
            "inv_table": Layer(
                "inv", "QUnaryFunctionLUT", quantizers={"input": (INV_IN,), "output": (INV_OUT,)}
            ),
        },
    )


def softmax(layer: Layer, x: np.ndarray, mask: Any = True) -> np.ndarray:
    """`x` is (samples, *shape), `mask` spreads to it."""
    axes = tuple(axis + 1 for axis in layer.config["axes"])
    scaler = np.float32(layer.config["input_scaler"])
    mask = np.broadcast_to(mask, x.shape)
    if layer.config["stable"]:
        top = np.where(mask, x, -1e9).max(axes, keepdims=True)
        x, scaler = quantized(top - x, EXP_IN), -scaler
    e = quantized(single(np.exp, (x * scaler).astype(np.float32)), EXP_OUT) * mask
    total = quantized(e.sum(axes, keepdims=True), INV_IN).astype(np.float32)
    return quantized(e * quantized(1 / (total + np.float32(1e-7)), INV_OUT), SOFTMAX_OUT)


def softmax_case(shape: tuple[int, ...], mask: Any = None, **options: Any) -> Case:
    layer = softmax_layer(**options)
    return Case(
        lambda x: softmax(layer, x, True if mask is None else mask),
        (shape,),
        layer.config,
        quantizers=layer.quantizers,
        parts=layer.parts,
        arguments={"operands": (0,) if mask is None else (0, mask)},
    )


MASK = np.array([[1, 0, 1], [0, 0, 0]], bool)
"""The second row sees nothing: all of it is zero."""

# -- attention -------------------------------------------------------------------

HEADS, KEY, VALUE = 2, 2, 3
HEAD_OUT = quantizer(1, 1, 2, "RND", "SAT")


def projection(equation: str, *shape: int, bias: tuple[int, ...] | None = None) -> Layer:
    arrays = {"kernel": weights(*shape)}
    if bias is not None:
        arrays["bias"] = weights(*bias)
    is_output = shape[0] == HEADS
    quantizers = {"input" if is_output else "output": (HEAD_OUT,)}
    return Layer("dense", "QEinsumDense", {"equation": equation}, arrays, quantizers)


def projected(layer: Layer, x: np.ndarray) -> np.ndarray:
    for q in layer.quantizers.get("input", ()):
        x = quantized(x, q)
    y = np.einsum(layer.config["equation"], x, layer.arrays["kernel"])
    y = y + layer.arrays.get("bias", 0)
    for q in layer.quantizers.get("output", ()):
        y = quantized(y, q)
    return y


def parts(channels: int) -> dict[str, Layer]:
    into = "abz,zhy->abhy"
    return {
        "query": projection(into, channels, HEADS, KEY, bias=(HEADS, KEY)),
        "key": projection(into, channels, HEADS, KEY),
        "value": projection(into, channels, HEADS, VALUE, bias=(HEADS, VALUE)),
        "output": projection("abhz,hzc->abc", HEADS, VALUE, 2, bias=(2,)),
        "softmax": softmax_layer((2,), scaler=2**-0.5),
    }


def of_heads(made: dict[str, Layer], *inputs: np.ndarray) -> list[np.ndarray]:
    """Queries, keys and values of each head, from inputs in that order."""
    roles = ("query", "key", "value")
    return [projected(made[role], x) for role, x in zip(roles, inputs, strict=True)]


def attention(
    made: dict[str, Layer], query: np.ndarray, key: np.ndarray, value: np.ndarray, mask: Any = True
) -> np.ndarray:
    """By the definition of attention; `mask` spreads to (heads, asking, seen)."""
    q, k, v = of_heads(made, query, key, value)
    seen = softmax(made["softmax"], np.einsum("nqhd,nkhd->nhqk", q, k), mask)
    return projected(made["output"], np.einsum("nhqk,nkhd->nqhd", seen, v))


CONFIG = {
    "fuse": "none",
    "scores": "chz,bhz->hbc",
    "values": "hbc,chz->bhz",
    "returns_scores": False,
}


def attention_case(
    places: tuple[int, ...], *masks: tuple[str, Any], full_mask: Any = True, **config: Any
) -> Case:
    """Cross attention of inputs of three channels; the value is the key."""
    made = parts(3)
    given = [mask for _, mask in masks]
    operands = (0, len(places) - 1, len(places) - 1, *given)
    return Case(
        lambda *x: attention(made, x[0], x[-1], x[-1], full_mask),
        tuple((n, 3) for n in places),
        {**CONFIG, **config},
        arguments={"operands": operands, "masks": tuple(kind for kind, _ in masks)},
        parts=made,
    )


SEEN = np.array([[1, 1, 0], [1, 0, 1]], bool)


def shared_quantizer(fuse: str) -> Case:
    """Queries, keys and values share the key's input quantizer."""
    made = parts(3)
    key = made["key"]
    made["key"] = Layer(
        key.name, key.class_name, key.config, key.arrays, {**key.quantizers, "input": (COARSE,)}
    )

    def meaning(query: np.ndarray, seen: np.ndarray) -> np.ndarray:
        query = quantized(query, COARSE) if fuse == "qkv" else query
        return attention(made, query, seen, quantized(seen, COARSE))

    arguments = {"operands": (0, 1, 1), "masks": ()}
    return Case(meaning, ((3, 3), (3, 3)), {**CONFIG, "fuse": fuse}, {}, {}, arguments, made)


def over_places(clusters: int | None, is_shared: bool) -> Case:
    """Five keys and values become two."""
    made = parts(3)
    equation, shape = ("acz,cd->adz", (5, 2)) if clusters is None else ("abcz,bc->abz", (2, 3))
    for role in ("lin_k",) if is_shared else ("lin_k", "lin_v"):
        made[role] = Layer(
            role, "QEinsumDense", {"equation": equation}, {"kernel": weights(*shape)}
        )

    def meaning(query: np.ndarray, seen: np.ndarray) -> np.ndarray:
        if clusters is not None:
            seen = np.pad(seen, ((0, 0), (0, 1), (0, 0))).reshape(-1, 2, 3, 3)
        value = projected(made["lin_k" if is_shared else "lin_v"], seen)
        return attention(made, query, projected(made["lin_k"], seen), value)

    config = {**CONFIG, "clusters": {} if clusters is None else dict.fromkeys("kv", clusters)}
    arguments = {"operands": (0, 1, 1), "masks": ()}
    return Case(meaning, ((2, 3), (5, 3)), config, {}, {}, arguments, made)


def convolved() -> Case:
    """A convolution over the scores, here of one place: it mixes the heads."""
    made, kernel = parts(3), weights(1, 1, HEADS, HEADS)
    made["conv"] = Layer(
        "conv",
        "QConv2D",
        {
            "data_format": "channels_first",
            "windows": (Window(1), Window(1)),
            "groups": 1,
            "causal": 0,
        },
        {"kernel": kernel},
    )

    def meaning(query: np.ndarray, seen: np.ndarray) -> np.ndarray:
        q, k, v = of_heads(made, query, seen, seen)
        scores = np.einsum("nqhd,nkhd,hg->ngqk", q, k, kernel[0, 0])
        weighted = np.einsum("nhqk,nkhd->nqhd", softmax(made["softmax"], scores), v)
        return projected(made["output"], weighted)

    arguments = {"operands": (0, 1, 1), "masks": ()}
    return Case(meaning, ((2, 3), (3, 3)), CONFIG, {}, {}, arguments, made)


CASES = {
    "QUnaryFunctionLUT": [
        table("tanh", np.tanh, TABLE),
        table("exponential", np.exp, quantizer(0, 3, 4, "TRN", "SAT")),
        table("softplus", softplus, PER_ELEMENT),
    ],
    "QAffinedUnaryFunctionLUT": [AFFINE],
    "QSoftmax": [
        softmax_case((4,), axes=(0,)),
        softmax_case((2, 3), axes=(1,), stable=False, scaler=0.3),
        softmax_case((2, 3), axes=(0, 1), scaler=0.7),
        softmax_case((2, 3), MASK, axes=(1,)),
        softmax_case((2, 3), MASK[0], axes=(1,), stable=False),
    ],
    "QMultiHeadAttention": [
        attention_case((3,)),
        attention_case((2, 3)),
        attention_case((2, 3), ("attention", SEEN), full_mask=SEEN),
        attention_case(
            (2, 3),
            ("query", np.array([True, False])),
            ("key", np.array([True, True, False])),
            full_mask=np.array([[1, 1, 0], [0, 0, 0]], bool),
        ),
        shared_quantizer("kv"),
        shared_quantizer("qkv"),
    ],
    "QLinformerAttention": [over_places(None, False), over_places(None, True)],
    "QSALTAttention": [over_places(2, False), over_places(2, True), convolved()],
}
"""Cases for each class."""
