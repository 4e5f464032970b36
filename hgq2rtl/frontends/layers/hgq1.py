"""HGQ v1: layers of trained models, and of the proxy models made from them.

A trained layer quantizes its kernel and what comes out of it, each value to its own number
of fraction bits; the file holds no integer bits, because training never overflows. A proxy
is plain Keras layers with a FixedPointQuantizer behind each. :mod:`..hgq1` makes records of
known classes from these: ``config`` holds what it needs under the names below.

FixedPointQuantizer, Signature
    rounding, overflow. Arrays: keep_negative, bits, integers (sign included in both); those
    of a Signature are options and stand in ``config``.
UnaryLUT
    kif_in, kif_out. Arrays: table, one entry per input value, negative ones last.
HQuantize, HDense, HConv1D, HConv2D, their BatchNorm forms, HAdd, HActivation
    the options of the Keras layer; plain_class, rounding, widths (the bounds of fraction
    bits), kernel_rounding, kernel_widths; with a batch norm: epsilon, center, scale.
    Arrays: kernel, bias, kernel_bw, activation_bw and those of the batch norm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...errors import UnsupportedLayer
from ..graph import ROUNDINGS
from ..hdf5 import Variable
from ..limits import TABLE_INPUT_BITS
from ..options import Options, is_number, plain_list
from ..schema import Plan, Shape, Site, reads, schema_of
from ..stored_array import stored_array
from ..untrusted import value_shown

_OVERFLOWS = ("WRAP", "SAT", "SAT_SYM", "SAT_ZERO", "WRAP_SM")

_WIDEST_ENTRY = 62
"""Bits of an entry of a table."""

EPSILON = 1e-3
"""Of every batch norm: the package writes none of their options."""

PASSIVE = {
    "PAveragePooling1D": "AveragePooling1D",
    "PAveragePooling2D": "AveragePooling2D",
    "PAvgPool1D": "AveragePooling1D",
    "PAvgPool2D": "AveragePooling2D",
    "PConcatenate": "Concatenate",
    "PDropout": "Dropout",
    "PFlatten": "Flatten",
    "PMaxPool1D": "MaxPooling1D",
    "PMaxPool2D": "MaxPooling2D",
    "PMaxPooling1D": "MaxPooling1D",
    "PMaxPooling2D": "MaxPooling2D",
    "PPermute": "Permute",
    "PReshape": "Reshape",
}
"""Layers without quantizers, and the Keras layers that they are."""


# -- proxy models --------------------------------------------------------------


@reads("FixedPointQuantizer", package="hgq1")
def fixed_point_quantizer(site: Site) -> Plan:
    """Rounds and overflows like ``ap_fixed``, with a format an element or a shared one."""
    options = site.options
    rounding, overflow = options.text("RND", "TRN"), options.text("SAT", "WRAP")
    _check_modes(site, rounding, overflow)
    shape = options.wholes("shape", at_least=1)
    _check_spreads(site, shape)
    # What the tools behind the proxy are told; it follows from the layers.
    for unused in ("overrides", "fusible"):
        options.raw(unused, None)
    return Plan(
        output=site.shape,
        config={"rounding": rounding, "overflow": overflow},
        variables=tuple(Variable(name, shape) for name in ("keep_negative", "bits", "integers")),
    )


@reads("UnaryLUT", package="hgq1")
def unary_lut(site: Site) -> Plan:
    """A table over all values of a format."""
    kif_in, kif_out = _format(site.options, "kif_in"), _format(site.options, "kif_out")
    bits = sum(kif_in)
    if not 0 < bits <= TABLE_INPUT_BITS:
        site.unsupported(
            f"its table has {bits} address bits, and a table has 1 to {TABLE_INPUT_BITS}",
            "Make the proxy with a smaller unary_lut_max_table_size.",
        )
    if not 0 < sum(kif_out) <= _WIDEST_ENTRY:
        site.options.wrong("kif_out", f"a format of 1 to {_WIDEST_ENTRY} bits")
    return Plan(
        output=site.shape,
        config={"kif_in": kif_in, "kif_out": kif_out},
        variables=(Variable("table", (2**bits,)),),
    )


def _check_modes(site: Site, rounding: str, overflow: str) -> None:
    for option, value, known in (("RND", rounding, ROUNDINGS), ("SAT", overflow, _OVERFLOWS)):
        if value not in known:
            site.unsupported(
                f"option {option!r} is {value_shown(value)}, which is unknown here",
                f"Use one of {', '.join(known)}.",
            )


def _check_spreads(site: Site, shape: Shape) -> None:
    """Formats of `shape` stand for a tensor with a batch axis of 1."""
    tensor = (1, *site.shape)
    fits = len(shape) <= len(tensor) and all(
        size in (1, wanted) for size, wanted in zip(shape[::-1], tensor[::-1], strict=False)
    )
    if not fits:
        site.options.bad(f"formats of shape {shape} do not spread to a tensor of shape {tensor}")


def _format(options: Options, name: str) -> tuple[int, int, int]:
    """Sign, integer and fraction bits; the latter two may be negative."""
    k, i, f = options.wholes(name, at_least=-64, length=3)
    if k not in (0, 1) or max(i, f) > 64:
        options.wrong(name, "sign, integer and fraction bits, within 64")
    return k, i, f


# -- trained models ------------------------------------------------------------


@dataclass(frozen=True)
class _Quantizer:
    """What the configuration of a kernel or activation quantizer says."""

    rounding: str
    """``RND``, ``TRN``, or ``auto``: RND where the bias can hold the half."""
    widths: tuple[float, float]
    """Bounds of the fraction bits."""
    is_trained: bool


_STRATEGIES: Mapping[Any, str] = {
    "standard_round": "RND",
    "stochastic_round": "RND",
    "fast_uniform_noise_injection": "RND",
    "floor": "TRN",
    "auto": "auto",
    0: "RND",
    1: "RND",
    2: "RND",
    3: "TRN",
}
"""What each strategy does at inference."""


@reads("HQuantize", package="hgq1")
def quantize(site: Site) -> Plan:
    """Rounds to fraction bits."""
    return _trained(site, Plan(output=site.shape), "")


@reads("HActivation", package="hgq1")
def activation(site: Site) -> Plan:
    """A function, then a quantizer."""
    return _trained(site, _keras(site, "Activation"), "Activation")


@reads("HAdd", package="hgq1")
def add(site: Site) -> Plan:
    """The sum of tensors of one shape, then a quantizer."""
    if len(set(site.shapes)) != 1:
        site.options.bad(f"inputs of shapes {value_shown(list(site.shapes))} are added")
    return _trained(site, _keras(site, "Add"), "Add")


@reads("HDense", package="hgq1")
def dense(site: Site) -> Plan:
    """``activation(q(x @ kernel + bias))``."""
    return _trained(site, _keras(site, "Dense"), "Dense")


@reads("HConv1D", package="hgq1")
def conv1d(site: Site) -> Plan:
    """``activation(q(conv(x, kernel) + bias))``."""
    return _trained(site, _keras(site, "Conv1D"), "Conv1D")


@reads("HConv2D", package="hgq1")
def conv2d(site: Site) -> Plan:
    """``activation(q(conv(x, kernel) + bias))``."""
    return _trained(site, _keras(site, "Conv2D"), "Conv2D")


@reads("HDenseBatchNorm", package="hgq1")
def dense_batchnorm(site: Site) -> Plan:
    """HDense with its batch norm folded into kernel and bias."""
    return _normalized(site, dense(site))


@reads("HConv1DBatchNorm", package="hgq1")
def conv1d_batchnorm(site: Site) -> Plan:
    """HConv1D with its batch norm folded into kernel and bias."""
    return _normalized(site, conv1d(site))


@reads("HConv2DBatchNorm", package="hgq1")
def conv2d_batchnorm(site: Site) -> Plan:
    """HConv2D with its batch norm folded into kernel and bias."""
    return _normalized(site, conv2d(site))


def _keras(site: Site, class_name: str) -> Plan:
    """What the Keras layer of that name says to these options."""
    schema = schema_of("keras", class_name)
    if schema is None:
        site.unsupported(f"it is a {class_name}, which is not read", "Build the model without it.")
    return schema(site)


def _trained(site: Site, plain: Plan, class_name: str) -> Plan:
    """The plan of a trained layer around that of its Keras layer."""
    kernel = next((v for v in plain.variables if v.name == "kernel"), None)
    is_activation = class_name == "Activation"
    if not is_activation and plain.config.get("activation", "linear") not in ("linear", "relu"):
        site.unsupported(
            f"activation {value_shown(plain.config['activation'])} stands in a layer with weights",
            "Use relu or linear, or an HActivation.",
        )
    kernel_quantizer, quantizer = _quantizer(site, "kq_conf"), _quantizer(site, "paq_conf")
    # Strength of the regularization, and a factor of its estimate.
    for unused in ("beta", "parallel_factor"):
        site.options.raw(unused, None)
    rounding = quantizer.rounding
    config = {
        **plain.config,
        "plain_class": plain.class_name or class_name,
        "rounding": "RND" if is_activation and rounding == "auto" else rounding,
        "widths": quantizer.widths,
        "kernel_rounding": kernel_quantizer.rounding,
        "kernel_widths": kernel_quantizer.widths,
    }
    widths = Variable("activation_bw", (1, *plain.output), may_broadcast=True)
    found = [(widths, quantizer.is_trained)]
    if kernel is not None:
        kernel_widths = Variable("kernel_bw", kernel.shape, may_broadcast=True)
        found.insert(0, (kernel_widths, kernel_quantizer.is_trained))
    variables = _in_stored_order(plain.variables, found)
    return replace(plain, config=config, variables=variables, class_name=None)


def _in_stored_order(
    weights: Sequence[Variable], widths: Sequence[tuple[Variable, bool]]
) -> tuple[Variable, ...]:
    """What training changes comes first, each group in the order of its making.

    Freezing a trained layer changes no order, so its own flag does not count.
    """
    trained = [variable for variable, is_trained in widths if is_trained]
    fixed = [variable for variable, is_trained in widths if not is_trained]
    beta, bops = (Variable(name, (), is_read=False) for name in ("beta", "bops"))
    return (*weights, *trained, beta, *fixed, bops)


def _normalized(site: Site, plan: Plan) -> Plan:
    """The same with the variables of a batch norm over the outputs.

    Its options are in no file: what is read here holds for files that another version wrote.
    """
    options = site.options
    kernel = next(v for v in plan.variables if v.name == "kernel")
    has_bias = any(v.name == "bias" for v in plan.variables)
    center = options.boolean("center", default=True) and has_bias
    scale = options.boolean("scale", default=True)
    epsilon = options.number("epsilon", default=EPSILON)
    if epsilon <= 0:
        options.wrong("epsilon", "above 0")
    size = kernel.shape[-1:]
    # Where there is no offset or no factor, the package stores one constant in its place.
    filler = Variable("Variable", (), is_read=False)
    offset = [Variable("bn_beta", size)] if center else []
    factor = [Variable("bn_gamma", size)] if scale else []
    mean = Variable("moving_mean", size) if center else filler
    variance = Variable("moving_variance", size) if scale else filler
    at = next(n for n, v in enumerate(plan.variables) if v.name == "beta")
    return replace(
        plan,
        config={**plan.config, "epsilon": epsilon, "center": center, "scale": scale},
        variables=(
            *plan.variables[:at],
            *offset,
            *factor,
            *plan.variables[at:],
            mean,
            variance,
        ),
    )


def _quantizer(site: Site, name: str) -> _Quantizer:
    raw = site.options.raw(name, None)
    if raw is not None and not isinstance(raw, Mapping):
        site.options.wrong(name, "an object")
    options = Options(raw or {}, f"{site.where}: {name}")
    strategy = options.raw("rnd_strategy", "standard_round")
    if isinstance(strategy, bool) or not isinstance(strategy, str | int):
        options.wrong("rnd_strategy", "a name")
    if strategy not in _STRATEGIES:
        raise UnsupportedLayer(
            f"{options.where}: rounding strategy {value_shown(strategy)} is unknown here. "
            f"Use standard_round or floor."
        )
    # How widths are shared, which their stored shape shows, and what only training asks for.
    for unused in ("init_bw", "skip_dims", "exact_q_value", "minmax_record", "regularizer"):
        options.raw(unused, None)
    is_trained = options.boolean("trainable", default=True)
    found = _Quantizer(_STRATEGIES[strategy], _widths(options), is_trained)
    options.refuse_leftovers()
    return found


def _widths(options: Options) -> tuple[float, float]:
    value = plain_list(options.raw("bw_clip", [-23, 23]))
    if value is None:
        return (-64.0, 64.0)
    if not isinstance(value, list) or len(value) != 2 or not all(map(is_number, value)):
        options.wrong("bw_clip", "the least and greatest number of fraction bits")
    return (float(value[0]), float(value[1]))


@reads("Signature", package="hgq1")
def signature(site: Site) -> Plan:
    """Declares the format of its input; the proxy checks it with TRN and WRAP."""
    names = ("keep_negative", "bits", "int_bits")
    stored = [
        stored_array({"value": site.options.raw(name), "dtype": "int64"}, site.where)
        for name in names
    ]
    for array in stored:
        _check_spreads(site, array.shape)
    formats = [array.tolist() for array in np.broadcast_arrays(*stored)]
    return Plan(
        output=site.shape,
        config={
            "rounding": "TRN",
            "overflow": "WRAP",
            **dict(zip(("keep_negative", "bits", "integers"), formats, strict=True)),
        },
    )


@reads("SlicingOpLambda", "TFOpLambda", package="keras")
def operation(site: Site) -> Plan:
    """An operation of TensorFlow between layers of Keras 2."""
    site.unsupported(
        "it is an operation of TensorFlow, which Keras 2 writes in a form of its own",
        "Use a layer instead: Add, Multiply, Concatenate, Cropping1D.",
    )


def _passive(site: Site, class_name: str) -> Plan:
    plan = _keras(site, class_name)
    return replace(plan, class_name=plan.class_name or class_name)


for _name, _class in PASSIVE.items():
    reads(_name, package="hgq1")(partial(_passive, class_name=_class))
