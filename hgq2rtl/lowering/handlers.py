"""One handler per layer class: symbolic execution on :class:`FixedArray`.

Order in a quantized layer: input quantizers, exact linear algebra, bias,
activation, output quantizer. Accumulators are exact.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import BadModelFile, UnsupportedLayer
from .einsum import einsum
from .fixed_array import FixedArray
from .layer import LoweringLayer

Handler = Callable[..., FixedArray]
HANDLERS: dict[str, Handler] = {}


def handles(*class_names: str) -> Callable[[Handler], Handler]:
    """Register a handler: ``handler(layer, *inputs) -> output``."""

    def register(handler: Handler) -> Handler:
        for name in class_names:
            HANDLERS[name] = handler
        return handler

    return register


def activate(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """The layer's ``activation`` option."""
    match layer.config.get("activation"):
        case None | "linear":
            return x
        case "relu":
            return x.relu()
        case other:
            raise UnsupportedLayer(
                f"{layer.where}: activation {other!r} has no integer form. Use relu or linear, "
                "or put a QUnaryFunctionLUT after the layer."
            )


def finish(layer: LoweringLayer, y: FixedArray) -> FixedArray:
    """Activation and output quantizer."""
    return layer.quantize("output", activate(layer, y))


# -- linear layers -------------------------------------------------------------


@handles("QDense")
def lower_dense(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``activation(x @ kernel + bias)``: (..., n_in) to (..., n_out)."""
    y = layer.quantize("input", x) @ layer.array("kernel")
    if layer.has("bias"):
        y = y + layer.array("bias")
    return finish(layer, y)


@handles("QEinsumDense")
def lower_einsum_dense(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``activation(einsum(equation, x, kernel) + bias)``."""
    x = layer.quantize("input", x)
    y = einsum(_without_batch(layer), x, layer.array("kernel"), layer.where)
    if layer.has("bias"):
        y = y + layer.array("bias")
    return finish(layer, y)


@handles("QEinsumDenseBatchnorm")
def lower_einsum_dense_batchnorm(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """QEinsumDense whose output's batch normalization is folded into kernel and bias.

    HGQ folds in float32: kernel * s and bias - mean * s, s = gamma / sqrt(var + 1e-7);
    its epsilon option has no effect.
    """
    equation = _without_batch(layer)
    scale = _batchnorm_scale(layer, epsilon=1e-7)
    folded_bias = layer.raw("bias", 0.0) - layer.raw("moving_mean") * scale
    folded_kernel = layer.raw("kernel") * _along_kernel(layer, scale, equation)
    x = layer.quantize("input", x)
    y = einsum(equation, x, layer.constant("kernel", folded_kernel), layer.where)
    return finish(layer, y + layer.constant("bias", folded_bias))


@handles("QBatchNormalization")
def lower_batch_normalization(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``x * scale + offset`` along one axis.

    HGQ adds 1, not 0, to the offset where ``center`` is off.
    """
    scale = _batchnorm_scale(layer, epsilon=layer.config["epsilon"])
    offset = layer.raw("beta", 1.0) - layer.raw("moving_mean") * scale
    axis = layer.config["axis"]
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    y = layer.quantize("input", x) * layer.constant("kernel", scale).reshape(*shape)
    return finish(layer, y + layer.constant("bias", offset).reshape(*shape))


def _batchnorm_scale(layer: LoweringLayer, epsilon: float) -> np.ndarray:
    """``gamma / sqrt(variance + epsilon)`` in float32, as HGQ computes it."""
    variance = layer.raw("moving_variance")
    if np.any(variance + np.float32(epsilon) <= 0):
        raise BadModelFile(
            f"{layer.where}: a moving variance is negative, so the scale is no number. "
            "The file is damaged or training diverged."
        )
    return layer.raw("gamma", 1.0) / np.sqrt(variance + np.float32(epsilon))


def _along_kernel(layer: LoweringLayer, scale: np.ndarray, equation: str) -> np.ndarray:
    """Reshape `scale`, over the normalized output labels, so that it broadcasts to the kernel."""
    operands, result = equation.split("->")
    kernel = operands.split(",")[1]
    normalized = [c for c in result if c in layer.config["bias_axes"]]
    if any(c not in kernel for c in normalized):
        raise UnsupportedLayer(
            f"{layer.where}: batch normalization over an axis that the kernel lacks "
            f"({equation!r}, axes {layer.config['bias_axes']!r}) cannot be folded."
        )
    sizes = [n for n in scale.shape if n != 1] if scale.ndim != len(normalized) else scale.shape
    ordered = scale.reshape(tuple(sizes))
    axes = sorted(range(len(normalized)), key=lambda n: kernel.index(normalized[n]))
    shape = [1] * len(kernel)
    for n in axes:
        shape[kernel.index(normalized[n])] = ordered.shape[n]
    return ordered.transpose(axes).reshape(shape)


def _without_batch(layer: LoweringLayer) -> str:
    """The equation without the batch label, which leads data and result."""
    operands, result = layer.config["equation"].split("->")
    data, kernel = operands.split(",")
    batch = data[0]
    if batch in kernel or not result.startswith(batch):
        raise UnsupportedLayer(
            f"{layer.where}: equation {layer.config['equation']!r} mixes the batch axis. "
            "Keep the batch first, in data and result only."
        )
    return f"{data[1:]},{kernel}->{result[1:]}"


# -- element-wise layers -------------------------------------------------------


@handles("Quantizer")
def lower_quantizer(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """A quantizer as a layer of its own."""
    return layer.quantize("input", x)


@handles("ReLU", "Relu")
def lower_relu(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``max(x, 0)``."""
    return x.relu()


@handles("Activation")
def lower_activation(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """relu or linear."""
    return activate(layer, x)


@handles("QAdd")
def lower_add(layer: LoweringLayer, *inputs: FixedArray) -> FixedArray:
    """Sum of several tensors, each through its own input quantizer."""
    terms = [layer.quantize("input", x, n) for n, x in enumerate(inputs)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return finish(layer, total)


@handles(
    "Dropout",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "ActivityRegularization",
    "Identity",
)
def lower_identity(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Layers that do nothing at inference."""
    return x


# -- moving elements -----------------------------------------------------------


@handles("Flatten")
def lower_flatten(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """All axes into one."""
    return x.reshape(-1)


@handles("Reshape")
def lower_reshape(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """The same elements, C order, in ``target_shape``."""
    return x.reshape(tuple(layer.config["target_shape"]))


@handles("Permute", "Transpose")
def lower_permute(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Axes in another order: ``axes``, counted without the batch axis."""
    return x.transpose(tuple(layer.config["axes"]))


@handles("Concatenate")
def lower_concatenate(layer: LoweringLayer, *inputs: FixedArray) -> FixedArray:
    """Side by side along ``axis``, counted without the batch axis."""
    return FixedArray.concatenate(inputs, layer.config["axis"])


@handles("GetItem")
def lower_getitem(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Slicing with constant indices: ``key``, without the batch axis."""
    return x[layer.arguments["key"]]
