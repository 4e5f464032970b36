"""Convolutions: quantized and plain, depthwise, separable and transposed, over 1 to 3 axes.

``config`` of the records: data_format, windows (one :class:`Window` for each spatial axis),
activation, and

Conv, QConv
    groups; causal: places of zeros in front of a sequence, in front of its quantizer too.
DepthwiseConv, SeparableConv, ConvTranspose
    nothing else.

Kernels are stored as (*sizes, channels / groups, filters); depthwise as (*sizes, channels,
multiplier), transposed as (*sizes, filters, channels).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

from ...errors import UnsupportedLayer
from ..activations import function_name
from ..graph import Layer
from ..grid import Grid, fitted, positions, read_grid
from ..hdf5 import Variable
from ..options import plain_list
from ..schema import (
    Plan,
    Shape,
    Site,
    activation,
    ebops_variables,
    input_slots,
    output_slots,
    reads,
    weight_slot,
)
from ..windows import Window, transposed

_PADDINGS = ("valid", "same")


def convolution(site: Site, rank: int) -> Plan:
    """``activation(conv(x, kernel) + bias)``, in groups of channels."""
    grid = read_grid(site, rank)
    groups = site.options.whole("groups", at_least=1, default=1)
    filters = site.options.whole("filters", at_least=1)
    if grid.channels % groups or filters % groups:
        site.options.bad(
            f"{groups} groups do not share {grid.channels} channels, {filters} filters"
        )
    windows, causal = _windows(site, grid, allow_causal=rank == 1)
    grid = replace(grid, extents=(grid.extents[0] + causal, *grid.extents[1:]))
    kernel = (*_sizes(windows), grid.channels // groups, filters)
    return _plan(
        site,
        grid,
        windows,
        filters,
        variables=(Variable("kernel", kernel),),
        products=prod(kernel),
        groups=groups,
        causal=causal,
    )


def quantized_convolution(site: Site, rank: int) -> Plan:
    """The same with quantizers."""
    activation(site)  # refuses what HGQ has a layer of its own for
    plain = convolution(site, rank)
    kernel, *biases = plain.variables
    bias_slot = weight_slot(site, "bias", kernel.shape[-1:])
    return replace(
        plain,
        variables=(*plain.variables, *ebops_variables(site)),
        slots=(
            *input_slots(site),
            weight_slot(site, "kernel", kernel.shape),
            *[bias_slot for _ in biases],
            *output_slots(site, plain.output),
        ),
        last_check=_check_causal_formats if plain.config["causal"] else None,
    )


def depthwise(site: Site, rank: int) -> Plan:
    """Each channel by itself, into ``depth_multiplier`` new ones."""
    grid = read_grid(site, rank)
    multiplier = site.options.whole("depth_multiplier", at_least=1, default=1)
    windows, _ = _windows(site, grid)
    kernel = (*_sizes(windows), grid.channels, multiplier)
    weights = (Variable("kernel", kernel),)
    return _plan(site, grid, windows, grid.channels * multiplier, weights, prod(kernel))


def separable(site: Site, rank: int) -> Plan:
    """A depthwise convolution, then the channels mixed at each position."""
    grid = read_grid(site, rank)
    multiplier = site.options.whole("depth_multiplier", at_least=1, default=1)
    filters = site.options.whole("filters", at_least=1)
    windows, _ = _windows(site, grid)
    depthwise_kernel = (*_sizes(windows), grid.channels, multiplier)
    pointwise_kernel = (*[1] * rank, grid.channels * multiplier, filters)
    weights = (
        Variable("depthwise_kernel", depthwise_kernel),
        Variable("pointwise_kernel", pointwise_kernel),
    )
    products = prod(depthwise_kernel) + prod(pointwise_kernel)
    return _plan(site, grid, windows, filters, weights, products)


def transposed_convolution(site: Site, rank: int) -> Plan:
    """Each input spreads its kernel over the output; where they overlap, they add up."""
    grid = read_grid(site, rank)
    filters = site.options.whole("filters", at_least=1)
    padding = site.options.word("padding", _PADDINGS, default="valid")
    added: Sequence[int | None] = [None] * rank
    if plain_list(site.options.raw("output_padding", None)) is not None:
        added = site.options.wholes("output_padding", at_least=0, length=rank)
    windows = tuple(
        transposed(size, stride, dilation, padding, extra)
        for size, stride, dilation, extra in zip(*_steps(site, rank), added, strict=True)
    )
    kernel = (*_sizes(windows), filters, grid.channels)
    return _plan(site, grid, windows, filters, (Variable("kernel", kernel),), prod(kernel))


for _rank in (1, 2, 3):
    reads(f"QConv{_rank}D")(partial(quantized_convolution, rank=_rank))
    reads(f"Conv{_rank}D", package="keras")(partial(convolution, rank=_rank))
    reads(f"Conv{_rank}DTranspose", package="keras")(partial(transposed_convolution, rank=_rank))
for _rank in (1, 2):
    reads(f"DepthwiseConv{_rank}D", package="keras")(partial(depthwise, rank=_rank))
    reads(f"SeparableConv{_rank}D", package="keras")(partial(separable, rank=_rank))


def _plan(
    site: Site,
    grid: Grid,
    windows: tuple[Window, ...],
    filters: int,
    variables: tuple[Variable, ...],
    products: int,
    **config: Any,
) -> Plan:
    """The plan of any of them; `products` are those at one position."""
    found = positions(site, grid, windows, products)
    bias = (Variable("bias", (filters,)),) if site.options.boolean("use_bias", True) else ()
    return Plan(
        output=grid.shape(found, filters),
        config={
            "data_format": grid.data_format,
            "windows": windows,
            "activation": function_name(site),
            **config,
        },
        variables=(*variables, *bias),
    )


def _steps(site: Site, rank: int) -> tuple[Shape, Shape, Shape]:
    """Sizes, strides and dilations, one for each axis."""
    options = site.options
    return (
        options.wholes("kernel_size", at_least=1, length=rank),
        options.wholes("strides", at_least=1, default=1, length=rank),
        options.wholes("dilation_rate", at_least=1, default=1, length=rank),
    )


def _windows(site: Site, grid: Grid, allow_causal: bool = False) -> tuple[tuple[Window, ...], int]:
    """The windows, and how many places of zeros stand in front of a causal sequence."""
    choices = (*_PADDINGS, "causal") if allow_causal else _PADDINGS
    padding = site.options.word("padding", choices, default="valid")
    steps = _steps(site, len(grid.extents))
    windows = fitted(padding, grid.extents, *steps)
    return windows, windows[0].reach - 1 if padding == "causal" else 0


def _sizes(windows: Sequence[Window]) -> Shape:
    return tuple(window.size for window in windows)


def _check_causal_formats(layer: Layer, where: str) -> None:
    """A causal layer quantizes its zeros too, so formats cannot differ along the sequence."""
    axis = 1 if layer.config["data_format"] == "channels_first" else 0
    for quantizer in layer.quantizers.get("input", ()):
        if quantizer.shape[axis] > 1:
            raise UnsupportedLayer(
                f"{where}: the input quantizer has formats of its own for each place of the "
                f"sequence, and none for the zeros of the causal padding, which it quantizes too. "
                f"Share them along the sequence: homogeneous_axis=(0, {axis + 1})."
            )
