"""Layers that move elements: Flatten, Reshape, Permute, and the operations like them.

``config`` of the records, all without the batch axis: target_shape (Reshape), axes
(Permute: output axis n is input axis ``axes[n]``). Flatten has no options. The
operations Squeeze and ExpandDims become Reshape, Transpose becomes Permute.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ..options import is_whole, plain_list
from ..schema import Plan, Shape, Site, reads


@reads("Flatten", package="keras")
def flatten(site: Site) -> Plan:
    """All elements in one axis, the last axis fastest."""
    order = site.options.word("data_format", ("channels_last", "channels_first"), "channels_last")
    if order == "channels_first" and len(site.shape) > 1:
        site.unsupported(
            "Flatten with channels_first moves the first axis last before it flattens",
            "Put a Permute in front and flatten with channels_last.",
        )
    return Plan(output=(prod(site.shape),))


@reads("Reshape", package="keras")
def reshape(site: Site) -> Plan:
    """The same elements in another shape."""
    return _reshaped(site, _resolved(site, "target_shape", _sizes(site, "target_shape")))


@reads("Reshape", package="ops")
def reshape_operation(site: Site) -> Plan:
    """``keras.ops.reshape``: the new shape begins with -1, the batch."""
    sizes = _sizes(site, "newshape")
    if not sizes or sizes[0] != -1 or -1 in sizes[1:]:
        site.unsupported(
            f"a reshape to {list(sizes)} may mix samples of the batch",
            "Reshape to (-1, ...) with all other sizes given.",
        )
    return _reshaped(site, _resolved(site, "newshape", sizes[1:]))


@reads("Squeeze", package="ops")
def squeeze(site: Site) -> Plan:
    """``keras.ops.squeeze`` of one axis."""
    axis = _axis(site, len(site.shape))
    if site.shape[axis] != 1:
        site.options.wrong("axis", f"an axis of extent 1 of an input of shape {site.shape}")
    return _reshaped(site, site.shape[:axis] + site.shape[axis + 1 :])


@reads("ExpandDims", package="ops")
def expand_dims(site: Site) -> Plan:
    """``keras.ops.expand_dims``."""
    axis = _axis(site, len(site.shape) + 1)
    return _reshaped(site, (*site.shape[:axis], 1, *site.shape[axis:]))


@reads("Permute", package="keras")
def permute(site: Site) -> Plan:
    """Another order of the axes; ``dims`` counts from 1."""
    dims = site.options.wholes("dims", at_least=1)
    return _permuted(site, "dims", [d - 1 for d in dims])


@reads("Transpose", package="ops")
def transpose(site: Site) -> Plan:
    """``keras.ops.transpose``: the batch axis must stay in front."""
    axes = plain_list(site.options.raw("axes", None))
    if axes is None or not isinstance(axes, list) or not axes or axes[0] != 0:
        site.unsupported(
            "a transpose that moves the batch axis mixes samples", "Give axes that begin with 0."
        )
    axes = site.options.wholes("axes", at_least=0)
    return _permuted(site, "axes", [a - 1 for a in axes[1:]])


def _reshaped(site: Site, target: Shape) -> Plan:
    return Plan(output=target, config={"target_shape": target}, class_name="Reshape")


def _permuted(site: Site, name: str, axes: Sequence[int]) -> Plan:
    if sorted(axes) != list(range(len(site.shape))):
        site.options.wrong(name, f"an order of the {len(site.shape)} axes of the input")
    output = tuple(site.shape[axis] for axis in axes)
    return Plan(output=output, config={"axes": tuple(axes)}, class_name="Permute")


def _sizes(site: Site, name: str) -> tuple[int, ...]:
    """A list of sizes in which one may be -1."""
    sizes = site.options.wholes(name, at_least=-1)
    if 0 in sizes or sizes.count(-1) > 1:
        site.options.wrong(name, "a list of sizes above 0, one of which may be -1")
    return sizes


def _resolved(site: Site, name: str, sizes: tuple[int, ...]) -> Shape:
    """`sizes` with -1 replaced by what is left over."""
    elements = prod(site.shape)
    known = prod(size for size in sizes if size != -1)
    if -1 in sizes and elements % known == 0:
        sizes = tuple(elements // known if size == -1 else size for size in sizes)
    if -1 in sizes or prod(sizes) != elements:
        site.options.wrong(name, f"a shape of the input's {elements} elements")
    return sizes


def _axis(site: Site, rank: int) -> int:
    """An axis of a tensor with `rank` axes behind the batch, counted without it."""
    axis = site.options.raw("axis")
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if not is_whole(axis) or not -rank <= axis <= rank or axis == 0:
        site.options.wrong("axis", f"one axis behind the batch, {-rank} to {rank}")
    return axis - 1 if axis > 0 else axis + rank
