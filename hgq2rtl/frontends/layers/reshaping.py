"""Layers that move elements: Flatten, Reshape, Permute, and the operations like them.

``config`` of the records, all without the batch axis: target_shape (Reshape), axes
(Permute: output axis n is input axis ``axes[n]``), data_format (Flatten), n (RepeatVector).
The operations Squeeze and ExpandDims become Reshape; Transpose, Moveaxis and Swapaxes
become Permute.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ..batch import axes_of, axis_of
from ..limits import check_tensor
from ..options import plain_list
from ..schema import Plan, Shape, Site, reads


@reads("Flatten", package="keras")
def flatten(site: Site) -> Plan:
    """All elements in one axis, the last axis fastest; of channels first, the channels."""
    order = site.options.word("data_format", ("channels_last", "channels_first"), "channels_last")
    return Plan(output=(prod(site.shape),), config={"data_format": order})


@reads("RepeatVector", package="keras")
def repeat_vector(site: Site) -> Plan:
    """A vector, `n` times over."""
    n = site.options.whole("n", at_least=1)
    if len(site.shape) != 1:
        site.options.bad(f"it takes a vector, and its input has shape {site.shape}")
    check_tensor((n, *site.shape), site.where)
    return Plan(output=(n, *site.shape), config={"n": n})


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
    """``keras.ops.squeeze`` of some axes."""
    axes = axes_of(site, "axis", len(site.shape), None)
    if any(site.shape[axis] != 1 for axis in axes):
        site.options.wrong("axis", f"axes of extent 1 of an input of shape {site.shape}")
    return _reshaped(site, tuple(size for n, size in enumerate(site.shape) if n not in axes))


@reads("ExpandDims", package="ops")
def expand_dims(site: Site) -> Plan:
    """``keras.ops.expand_dims``."""
    new = plain_list(site.options.raw("axis"))
    rank = len(site.shape) + (len(new) if isinstance(new, list) else 1)
    axes, sizes = axes_of(site, "axis", rank), iter(site.shape)
    return _reshaped(site, tuple(1 if n in axes else next(sizes) for n in range(rank)))


@reads("Permute", package="keras")
def permute(site: Site) -> Plan:
    """Another order of the axes; ``dims`` counts from 1."""
    dims = site.options.wholes("dims", at_least=1)
    return _permuted(site, "dims", [d - 1 for d in dims])


@reads("Transpose", package="ops")
def transpose(site: Site) -> Plan:
    """``keras.ops.transpose``: the batch axis must stay in front."""
    axes = plain_list(site.options.raw("axes", None))
    if not isinstance(axes, list) or not axes or axes[0] != 0:
        site.unsupported(
            "a transpose that moves the batch axis mixes samples", "Give axes that begin with 0."
        )
    axes = site.options.wholes("axes", at_least=0)
    return _permuted(site, "axes", [a - 1 for a in axes[1:]])


@reads("Moveaxis", package="ops")
def moveaxis(site: Site) -> Plan:
    """``keras.ops.moveaxis``."""
    rank = len(site.shape)
    source, target = (_axes_in_order(site, name) for name in ("source", "destination"))
    if len(source) != len(target):
        site.options.wrong("destination", f"{len(source)} axes, as many as source")
    order = [n for n in range(rank) if n not in source]
    for at, axis in sorted(zip(target, source, strict=True)):
        order.insert(at, axis)
    return _permuted(site, "source", order)


@reads("Swapaxes", package="ops")
def swapaxes(site: Site) -> Plan:
    """``keras.ops.swapaxes``."""
    order = list(range(len(site.shape)))
    first, second = (axis_of(site, name, len(order)) for name in ("axis1", "axis2"))
    order[first], order[second] = second, first
    return _permuted(site, "axis1", order)


def _axes_in_order(site: Site, name: str) -> list[int]:
    """An option of one axis or several, as the file orders them."""
    value = plain_list(site.options.raw(name))
    axes_of(site, name, len(site.shape))
    return [
        axis % (len(site.shape) + 1) - 1 for axis in (value if isinstance(value, list) else [value])
    ]


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
