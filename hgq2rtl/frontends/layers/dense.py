"""Layers with a kernel: QDense, QEinsumDense, QEinsumDenseBatchnorm, and the Quantizer layer.

``config`` of the record:

QDense
    units, activation, use_bias.
QEinsumDense
    equation (explicit, batch label first on data and output), output_shape (without batch),
    activation, bias_axes (labels of the equation, or None).
QEinsumDenseBatchnorm
    the same, and epsilon, normalize_axes: the labels of gamma, moving_mean and
    moving_variance, in that order. The bias is the batch norm's offset.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import BadModelFile
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
    x = site.shape
    if not x:
        site.options.bad("the input has no axis besides the batch")
    units = site.options.whole("units", at_least=1)
    use_bias = site.options.boolean("use_bias", default=True)
    output = (*x[:-1], units)
    return Plan(
        output=output,
        config={"units": units, "activation": activation(site), "use_bias": use_bias},
        variables=(
            *_weights((x[-1], units), (units,) if use_bias else None),
            *ebops_variables(site),
        ),
        slots=(
            *input_slots(site),
            *_weight_slots(site, (x[-1], units), (units,) if use_bias else None),
            *output_slots(site, output),
        ),
    )


@reads("QEinsumDense")
def einsum_dense(site: Site) -> Plan:
    """``activation(einsum(equation, x, kernel) + bias)``."""
    parts = _EinsumParts(site)
    return Plan(
        output=parts.output,
        config=parts.config(),
        variables=(*_weights(parts.kernel, parts.bias), *ebops_variables(site)),
        slots=(
            *input_slots(site),
            *_weight_slots(site, parts.kernel, parts.bias),
            *output_slots(site, parts.output),
        ),
    )


@reads("QEinsumDenseBatchnorm")
def einsum_dense_batchnorm(site: Site) -> Plan:
    """QEinsumDense with the batch norm of its output folded into kernel and bias.

    The file holds none of the batch norm's options, so their defaults hold: hgq2 cannot
    load a file that was saved with others.
    """
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
            *_weight_slots(site, parts.kernel, parts.bias),
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


def _weights(kernel: Shape, bias: Shape | None) -> tuple[Variable, ...]:
    found = (Variable("kernel", kernel),)
    return found if bias is None else (*found, Variable("bias", bias))


def _weight_slots(site: Site, kernel: Shape, bias: Shape | None) -> tuple[Slot, ...]:
    found = (weight_slot(site, "kernel", kernel),)
    bias_slot = weight_slot(site, "bias", bias or ())
    return found if bias is None else (*found, bias_slot)


class _EinsumParts:
    """Equation, sizes and shapes of an einsum layer."""

    def __init__(self, site: Site):
        self.site = site
        text = site.options.text("equation")
        declared = _declared_output(site)
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
            "activation": activation(self.site),
            "bias_axes": self.bias_axes,
        }

    def _shape(self, labels: str) -> Shape:
        return tuple(self.sizes[label] for label in labels)


def _declared_output(site: Site) -> list[int | None]:
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
