"""Layers with a kernel: dense and einsum, quantized and plain, and the Quantizer layer.

``config`` of the record:

QDense, Dense
    units, activation, use_bias.
QBatchNormDense
    the same and epsilon: the batch norm of the input, folded into kernel and bias.
QEinsumDense, EinsumDense
    equation (explicit, batch label first on data and output), output_shape (without batch),
    activation, bias_axes (labels of the equation, or None).
QEinsumDenseBatchnorm
    the same, and epsilon, normalize_axes: the labels of gamma, moving_mean and
    moving_variance, in that order. The bias is the batch norm's offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import BadModelFile
from ..activations import function_name
from ..einsum import (
    BadEquation,
    Equation,
    UnsupportedEquation,
    bias_shape,
    label_sizes,
    parse_equation,
)
from ..graph import Layer
from ..hdf5 import Variable
from ..options import is_whole, plain_list
from ..schema import (
    Plan,
    Shape,
    Site,
    Slot,
    activation,
    ebops_variables,
    input_slots,
    output_slots,
    reads,
    weight_slot,
)
from ..untrusted import value_shown

FUSED_EPSILON = 1e-7
"""QEinsumDenseBatchnorm ignores its epsilon and takes Keras' (measured on hgq2 0.2.0)."""


@reads("QDense")
def dense(site: Site) -> Plan:
    """``activation(x @ kernel + bias)`` on the last axis."""
    plan = _quantized(site, plain_dense(site))
    return replace(plan, variables=(*plan.variables, *ebops_variables(site)))


@reads("Dense", package="keras")
def plain_dense(site: Site) -> Plan:
    """The same with exact float weights."""
    x = site.shape
    if not x:
        site.options.bad("the input has no axis besides the batch")
    units = site.options.whole("units", at_least=1)
    use_bias = site.options.boolean("use_bias", default=True)
    return Plan(
        output=(*x[:-1], units),
        config={"units": units, "activation": function_name(site), "use_bias": use_bias},
        variables=_weights((x[-1], units), (units,) if use_bias else None),
    )


@reads("QBatchNormDense")
def batch_norm_dense(site: Site) -> Plan:
    """QDense with the batch norm of its input folded into kernel and bias."""
    plan = _quantized(site, plain_dense(site))
    scale = site.options.boolean("scale", default=True)
    epsilon = site.options.number("epsilon", default=1e-3)
    if epsilon <= 0:
        site.options.wrong("epsilon", "above 0")
    if not plan.config["use_bias"]:
        site.options.wrong("use_bias", "true: the batch norm's offset goes into the bias")
    norm = (site.shape[-1],)
    return replace(
        plan,
        config={**plan.config, "epsilon": epsilon},
        variables=(
            *plan.variables,
            *([Variable("gamma", norm)] if scale else []),
            *ebops_variables(site),
            Variable("moving_mean", norm),
            Variable("moving_variance", norm),
        ),
        last_check=check_variance,
    )


@reads("QEinsumDense")
def einsum_dense(site: Site) -> Plan:
    """``activation(einsum(equation, x, kernel) + bias)``."""
    plan = _quantized(site, plain_einsum_dense(site))
    return replace(plan, variables=(*plan.variables, *ebops_variables(site)))


@reads("EinsumDense", package="keras")
def plain_einsum_dense(site: Site) -> Plan:
    """The same with exact float weights."""
    parts = _EinsumParts(site)
    return Plan(
        output=parts.output,
        config=parts.config(),
        variables=_weights(parts.kernel, parts.bias),
    )


@reads("QEinsumDenseBatchnorm")
def einsum_dense_batchnorm(site: Site) -> Plan:
    """QEinsumDense with the batch norm of its output folded into kernel and bias.

    The file holds none of the batch norm's options, so their defaults hold: hgq2 cannot
    load a file that was saved with others.
    """
    activation(site)  # refuses what HGQ has a layer of its own for
    parts = _EinsumParts(site)
    axes = _normalized_axes(site, parts.equation, parts.bias_axes)
    norm = tuple(parts.sizes[label] for label in axes)
    kernel, bias, *_ = _weights(parts.kernel, parts.bias)
    return Plan(
        output=parts.output,
        config={**parts.config(), "epsilon": FUSED_EPSILON, "normalize_axes": axes},
        variables=(
            kernel,
            bias,
            Variable("gamma", norm),
            *ebops_variables(site),
            Variable("moving_mean", norm),
            Variable("moving_variance", norm),
        ),
        slots=(
            *input_slots(site),
            *_weight_slots(site, (kernel, bias)),
            *output_slots(site, parts.output),
        ),
        last_check=check_variance,
    )


@reads("Quantizer")
def quantizer(site: Site) -> Plan:
    """A quantizer that stands alone; its record has it at place ``input``."""
    raw = site.options.raw("config", None)
    slot = Slot("input", "datalane", raw, "config", "quantizer", (1, *site.shape))
    return Plan(output=site.shape, slots=(slot,))


def check_variance(layer: Layer, where: str) -> None:
    """Refuse a negative variance: the scale would be NaN."""
    variance = layer.arrays["moving_variance"]
    if np.any(variance < 0):
        raise BadModelFile(
            f"{where}: the moving variance is {variance.min():g} at its lowest, and a variance is "
            f"never negative. Train again or restore an earlier checkpoint."
        )


def _quantized(site: Site, plain: Plan) -> Plan:
    """A plain layer with quantizers for its input, its weights and its output."""
    activation(site)  # refuses what HGQ has a layer of its own for
    slots = (*_weight_slots(site, plain.variables), *output_slots(site, plain.output))
    return replace(plain, slots=(*input_slots(site), *slots))


def _weights(kernel: Shape, bias: Shape | None) -> tuple[Variable, ...]:
    found = (Variable("kernel", kernel),)
    return found if bias is None else (*found, Variable("bias", bias))


def _weight_slots(site: Site, weights: Sequence[Variable]) -> tuple[Slot, ...]:
    """The quantizers of kernel and bias."""
    # Without a bias, its configuration may still be there.
    site.options.raw("bq_conf", None)
    return tuple(weight_slot(site, each.name, each.shape) for each in weights)


class _EinsumParts:
    """Equation, sizes and shapes of an einsum layer."""

    def __init__(self, site: Site):
        self.site = site
        text = site.options.text("equation")
        declared = declared_output(site)
        self.bias_axes = site.options.text_or_none("bias_axes")
        try:
            self.equation = parse_equation(text, rank=len(site.shape) + 1)
            self.sizes = label_sizes(self.equation, site.shape, declared)
            self.output = self._shape(self.equation.output[1:])
            self.kernel = self._shape(self.equation.kernel)
            self.bias = (
                None
                if self.bias_axes is None
                else bias_shape(self.equation, self.bias_axes, self.sizes)
            )
        except BadEquation as error:
            site.options.bad(f"equation {value_shown(text)} {error}")
        except UnsupportedEquation as error:
            site.unsupported(
                f"equation {value_shown(text)} {error}",
                "Write the layer with distinct labels and the batch axis in front.",
            )

    def config(self) -> dict[str, Any]:
        return {
            "equation": str(self.equation),
            "output_shape": self.output,
            "activation": function_name(self.site),
            "bias_axes": self.bias_axes,
        }

    def _shape(self, labels: str) -> Shape:
        return tuple(self.sizes[label] for label in labels)


def declared_output(site: Site) -> list[int | None]:
    """``output_shape``: a number or a list of numbers, None where the data decide."""
    value = plain_list(site.options.raw("output_shape"))
    sizes = value if isinstance(value, list) else [value]
    if not all(size is None or (is_whole(size) and size > 0) for size in sizes):
        site.options.wrong("output_shape", "a list of sizes above 0")
    return sizes


def _normalized_axes(site: Site, equation: Equation, bias_axes: str | None) -> str:
    """The axes of the batch norm, as labels in the order of its arrays."""
    if bias_axes is None:
        site.options.bad("bias_axes is null, and the batch norm is taken over these axes")
    in_kernel = "".join(label for label in equation.kernel if label in bias_axes)
    in_output = "".join(label for label in equation.output if label in bias_axes)
    if in_kernel != in_output:
        site.unsupported(
            f"the batch norm's axes are {in_kernel!r} in the kernel and {in_output!r} in the "
            f"output",
            "Let kernel and output name them in the same order.",
        )
    return in_kernel
