"""HGQ v1 layers as records of layers that any frontend yields.

A trained layer becomes what its proxy model is: the plain Keras layer with its weights as
inference uses them, a quantizer, and the activation. There is one difference: the file of a
trained model holds no integer bits, so its quantizers only round (HQuantize, overflow NONE),
and the hardware gets the integer bits that exact intervals call for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from ..errors import BadModelFile, UnsupportedLayer
from ..fixed import quantize_float
from .graph import Call, Layer, LayerGraph, Quantizer

V1_OVERFLOWS = ("SAT_ZERO", "WRAP_SM")
"""What only HGQ v1 has: zero beyond the format, and reflection at its ends (a wave of whole
numbers, which hgq2's mode of that name is not). Their records only round by themselves."""

LARGEST_WIDTH = 64
"""Bits; the package stores the formats of a proxy in int8."""


def plain_graph(graph: LayerGraph) -> LayerGraph:
    """`graph` with the layers of HGQ v1 replaced; any other one stays as it is.

    Raises
    ------
    BadModelFile
        If a format is none, a table leaves its own, or widths fit no bias.
    UnsupportedLayer
        If a layer computes in another float type than float32.
    """
    shapes = list(graph.shapes)
    known: dict[tuple[int, int], list[Layer]] = {}
    calls = [
        made for call in graph.calls for made in _calls(call, _layers(call, graph, known), shapes)
    ]
    return replace(graph, calls=calls, shapes=shapes)


def _layers(
    call: Call, graph: LayerGraph, known: dict[tuple[int, int], list[Layer]]
) -> list[Layer]:
    """The layers that `call.layer` stands for: the same ones at each of its uses."""
    layer, rank = call.layer, len(graph.shapes[call.outputs[0]])
    split = _SPLIT.get(layer.class_name)
    if split is None:
        return [layer]
    key = (id(layer), rank)
    if key not in known:
        where = graph.where(layer)
        if layer.float_type != "float32":
            raise UnsupportedLayer(
                f"{where}: the layer computes in {layer.float_type}, and HGQ v1 is exact in "
                f"float32 only. Build the model with the dtype policy float32."
            )
        known[key] = split(layer, rank, where)
    return known[key]


def _calls(call: Call, layers: list[Layer], shapes: list[tuple[int, ...]]) -> Iterator[Call]:
    """The calls that stand for one: a chain of `layers`."""
    inputs = call.inputs
    for layer in layers[:-1]:
        shapes.append(shapes[call.outputs[0]])
        between = (len(shapes) - 1,)
        yield Call(layer, inputs, between)
        inputs = between
    yield replace(call, layer=layers[-1], inputs=inputs)


# -- proxy models --------------------------------------------------------------


def _fixed_point_quantizer(layer: Layer, rank: int, where: str) -> list[Layer]:
    """``ap_fixed`` words, whose width and integer bits count the sign."""
    config = layer.config
    sign, bits, integers = (
        _behind_batch(np.asarray(layer.arrays.get(name, config.get(name))), rank)
        for name in ("keep_negative", "bits", "integers")
    )
    _check_format(sign, bits, integers, where)
    is_alive = bits > 0
    k, i, f = (
        np.where(is_alive, numbers, 0).astype(np.int64)
        for numbers in (sign, integers - sign, bits - integers)
    )
    rounding, overflow = config["rounding"], config["overflow"]
    if overflow in V1_OVERFLOWS:
        record = Quantizer(k, i, f, rounding, "NONE")
        config, quantizers = {"overflow": overflow}, {"input": (record,)}
        return [Layer(layer.name, layer.class_name, config, {}, quantizers)]
    record = Quantizer(k, i, f, rounding, overflow)
    class_name = "Signature" if layer.class_name == "Signature" else "Quantizer"
    return [Layer(layer.name, class_name, quantizers={"input": (record,)})]


def _behind_batch(values: np.ndarray, rank: int) -> np.ndarray:
    """Formats with an axis for each of the tensor's, without the batch."""
    missing = rank + 1 - values.ndim
    return values.reshape((1,) * missing + values.shape)[0]


def _check_format(sign: np.ndarray, bits: np.ndarray, integers: np.ndarray, where: str) -> None:
    is_good = ((sign == 0) | (sign == 1)) & (bits >= 0) & (bits == np.rint(bits))
    is_good &= integers == np.rint(integers)
    widest = np.maximum(bits, np.maximum(abs(integers), abs(bits - integers)))
    is_good &= (bits == 0) | (widest <= LARGEST_WIDTH)
    if not np.all(is_good):
        worst = np.unravel_index(np.argmin(is_good), is_good.shape)
        raise BadModelFile(
            f"{where}: the format keep_negative = {sign[worst]:g}, bits = {bits[worst]:g}, "
            f"integers = {integers[worst]:g} is none: a sign is 0 or 1, and widths are whole "
            f"numbers within {LARGEST_WIDTH}, the first of them not negative. "
            f"The file is damaged or was edited; save the model again."
        )


def _unary_lut(layer: Layer, rank: int, where: str) -> list[Layer]:
    """The input is rounded half to even and taken modulo the table's size."""
    table, kif_out = layer.arrays["table"], layer.config["kif_out"]
    is_good = _are_of_format(table, *kif_out)
    if not np.all(is_good):
        raise BadModelFile(
            f"{where}: the table holds {table[np.argmin(is_good)]:g}, which is no number "
            f"of its format kif_out = {kif_out}. "
            f"The file is damaged or was edited; save the model again."
        )
    k, i, f = (np.full((1,) * rank, n, np.int64) for n in layer.config["kif_in"])
    record = Quantizer(k, i, f, "RND_CONV", "WRAP")
    return [replace(layer, config={}, quantizers={"input": (record,)})]


def _are_of_format(values: np.ndarray, k: int, i: int, f: int) -> np.ndarray:
    mantissas = np.ldexp(values.astype(np.float64), f)
    is_whole = mantissas == np.rint(mantissas)
    return is_whole & (mantissas >= -k * 2.0 ** (i + f)) & (mantissas < 2.0 ** (i + f))


# -- trained models ------------------------------------------------------------


def _trained(layer: Layer, rank: int, where: str) -> list[Layer]:
    """The Keras layer, the quantizer, and the activation that follows it."""
    config = {name: value for name, value in layer.config.items() if name not in _OWN}
    plain, rounding = layer.config["plain_class"], _rounding(layer)
    fractions = _fraction_bits(layer.arrays["activation_bw"], layer.config["widths"])
    name = f"{layer.name}/quantizer" if plain else layer.name
    quantizer = _rounding_layer(name, fractions[0], rounding)
    if not plain:
        return [quantizer]
    if "kernel" not in layer.arrays:
        return [Layer(layer.name, plain, config), quantizer]
    arrays = _weights(layer, rounding, where)
    made = [Layer(layer.name, plain, {**config, "activation": "linear"}, arrays), quantizer]
    if config["activation"] == "relu":
        made.append(Layer(f"{layer.name}/relu", "ReLU"))
    return made


_OWN = (
    *("plain_class", "rounding", "widths", "kernel_rounding", "kernel_widths"),
    *("epsilon", "center", "scale"),
)


def _fraction_bits(widths: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    """Stored widths as inference reads them: clipped, rounded half to even."""
    low, high = (max(-LARGEST_WIDTH, min(LARGEST_WIDTH, bound)) for bound in bounds)
    return np.rint(np.clip(widths, np.float32(low), np.float32(high))).astype(np.int64)


def _rounding_layer(name: str, f: np.ndarray, rounding: str) -> Layer:
    """Rounds to `f` fraction bits; `k` and `i` play no part."""
    k, i = np.ones_like(f), np.full_like(f, LARGEST_WIDTH)
    record = Quantizer(k, i, f, rounding, "NONE")
    return Layer(name, "HQuantize", quantizers={"input": (record,)})


def _rounding(layer: Layer) -> str:
    """``auto`` rounds to nearest where the bias can hold the half that this needs."""
    rounding = str(layer.config["rounding"])
    if rounding != "auto":
        return rounding
    return "RND" if _bias_holds_rounding(layer) else "TRN"


def _bias_holds_rounding(layer: Layer) -> bool:
    bias, widths = layer.arrays.get("bias"), layer.arrays["activation_bw"]
    if bias is None:
        return False
    if widths.size == 1:
        return True
    if layer.config.get("data_format") == "channels_first":
        return widths.size == widths.shape[0] == bias.size
    return widths.size == widths.shape[-1] == bias.size


def _weights(layer: Layer, rounding: str, where: str) -> dict[str, np.ndarray]:
    """Kernel and bias as inference uses them: batch norm folded in, then quantized."""
    kernel, bias = _folded(layer, where)
    f = _fraction_bits(layer.arrays["kernel_bw"], layer.config["kernel_widths"])
    # A kernel has no bias to hold a half, so `auto` is no strategy of its own there.
    kernel_rounding = layer.config["kernel_rounding"].replace("auto", "RND")
    found = {"kernel": _rounded(kernel, f, kernel_rounding)}
    if bias is not None:
        found["bias"] = _rounded(bias, _bias_fraction_bits(layer, bias, where), rounding)
    return found


def _folded(layer: Layer, where: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Kernel and bias with the batch norm in them, in the package's float32 steps."""
    arrays, config = layer.arrays, layer.config
    kernel, bias = arrays["kernel"], arrays.get("bias")
    if "epsilon" not in config:
        return kernel, bias
    variance = arrays.get("moving_variance", np.float32(1))
    if np.any(variance < 0):
        raise BadModelFile(
            f"{where}: the moving variance is {variance.min():g} at its lowest, and a variance is "
            f"never negative. Train again or restore an earlier checkpoint."
        )
    deviation = np.sqrt(variance + np.float32(config["epsilon"]))
    scale = arrays.get("bn_gamma", np.float32(1)) * (np.float32(1) / deviation)
    if config["scale"]:
        kernel = kernel * scale
    if bias is not None and config["center"]:
        bias = bias - arrays["moving_mean"] * scale + arrays["bn_beta"]
    return kernel, bias


def _bias_fraction_bits(layer: Layer, bias: np.ndarray, where: str) -> np.ndarray:
    """A bias has the most fraction bits that any value of the last axis has."""
    widths = layer.arrays["activation_bw"]
    widest = widths.max(axis=tuple(range(widths.ndim - 1)))
    if widest.size not in (1, bias.size):
        raise BadModelFile(
            f"{where}: {widest.size} widths along the last axis do not fit a bias of {bias.size}. "
            f"Train with one width for all values of the layer (skip_dims='all')."
        )
    return _fraction_bits(widest, layer.config["widths"])


def _rounded(values: np.ndarray, f: np.ndarray, rounding: str) -> np.ndarray:
    """`values` rounded to `f` fraction bits, exactly what float32 gives."""
    widest = np.full_like(f, LARGEST_WIDTH)
    mantissa = quantize_float(values, np.ones_like(f), widest, f, rounding, "NONE")
    return np.ldexp(mantissa.astype(np.float64), -f).astype(np.float32)


_Split = Callable[[Layer, int, str], list[Layer]]

_SPLIT: Mapping[str, _Split] = {
    "FixedPointQuantizer": _fixed_point_quantizer,
    "Signature": _fixed_point_quantizer,
    "UnaryLUT": _unary_lut,
    **dict.fromkeys(
        (
            *("HQuantize", "HActivation", "HAdd", "HDense", "HConv1D", "HConv2D"),
            *("HDenseBatchNorm", "HConv1DBatchNorm", "HConv2DBatchNorm"),
        ),
        _trained,
    ),
}
