"""Many elements into one along axes: QSum, QMeanPow2, and the operations of Keras.

``config`` of the records, axes without the batch:

QSum, QMeanPow2
    axes, scale (of the sum), keepdims.
Sum, Mean, Prod, Max, Min, Any, All, Argmax, Argmin, CountNonzero, Median, Ptp, Var
    axis (a tuple), keepdims, and initial where it is given.
Argsort, Cumsum, Diff, Sort, TopK
    axis; n of Diff, k of TopK.
Trace
    offset, axis1, axis2.
"""

from __future__ import annotations

import math
from typing import Any

from ..batch import axes_of, axis_of
from ..options import is_whole
from ..schema import Plan, Shape, Site, ebops_variables, input_slots, output_slots, reads
from ..untrusted import value_shown


@reads("QSum")
def total(site: Site) -> Plan:
    """``scale * sum(x)``; the scale is a power of two."""
    scale = site.options.number("scale", 1.0)
    if scale <= 0 or math.frexp(scale)[0] != 0.5:
        site.options.wrong("scale", "a power of two")
    return _quantized(site, scale)


@reads("QMeanPow2")
def mean(site: Site) -> Plan:
    """The sum divided by a power of two near to the count: ``2**round(log2(1 / count))``."""
    axes = axes_of(site, "axes", len(site.shape), -1)
    count = math.prod(site.shape[axis] for axis in axes)
    return _quantized(site, 2.0 ** round(math.log2(1 / count)))


def _quantized(site: Site, scale: float) -> Plan:
    axes = axes_of(site, "axes", len(site.shape), -1)
    keepdims = site.options.boolean("keepdims", default=False)
    output = _reduced(site.shape, axes, keepdims)
    return Plan(
        output=output,
        config={"axes": axes, "scale": scale, "keepdims": keepdims},
        variables=ebops_variables(site),
        slots=(*input_slots(site), *output_slots(site, output)),
    )


_SPELLINGS = {"Amax": "Max", "Amin": "Min", "Average": "Mean"}


def _reduction(class_name: str) -> None:
    @reads(class_name, package="ops")
    def schema(site: Site) -> Plan:
        axes = axes_of(site, "axis", len(site.shape), None)
        keepdims = site.options.boolean("keepdims", default=False)
        config: dict[str, Any] = {"axis": axes, "keepdims": keepdims}
        if class_name in ("Argmax", "Argmin") and len(axes) != 1:
            site.options.wrong("axis", "one axis")
        if class_name in ("Max", "Min") and site.options.raw("initial", None) is not None:
            config["initial"] = site.options.number("initial")
        _check_type(site)
        return Plan(
            output=_reduced(site.shape, axes, keepdims),
            config=config,
            class_name=_SPELLINGS.get(class_name),
        )


for _name in (
    *("Sum", "Mean", "Prod", "Max", "Min", "Any", "All", "Amax", "Amin", "Average"),
    *("Argmax", "Argmin", "CountNonzero", "Median", "Ptp", "Var"),
):
    _reduction(_name)


@reads("Sort", "Argsort", "Cumsum", package="ops")
def along(site: Site) -> Plan:
    """As many elements as before, along one axis."""
    _check_type(site)
    return Plan(output=site.shape, config={"axis": axis_of(site, "axis", len(site.shape), -1)})


@reads("Diff", package="ops")
def differences(site: Site) -> Plan:
    """Each element minus the one before it, `n` times over."""
    axis = axis_of(site, "axis", len(site.shape), -1)
    n, size = site.options.whole("n", at_least=0, default=1), site.shape[axis]
    if n >= size:
        site.options.wrong("n", f"below the {size} elements of the axis")
    output = (*site.shape[:axis], size - n, *site.shape[axis + 1 :])
    return Plan(output=output, config={"axis": axis, "n": n})


@reads("TopK", package="ops")
def top(site: Site) -> Plan:
    """The `k` greatest elements of the last axis, falling, and their places."""
    site.options.boolean("sorted", default=True)
    rank = len(site.shape)
    if not rank:
        site.options.bad("the input has no axis besides the batch")
    k = site.options.whole("k", at_least=1)
    if k > site.shape[-1]:
        site.options.wrong("k", f"at most the {site.shape[-1]} elements of the last axis")
    output = (*site.shape[:-1], k)
    return Plan(output=output, further_outputs=(output,), config={"axis": rank - 1, "k": k})


@reads("Trace", package="ops")
def trace(site: Site) -> Plan:
    """The sum of a diagonal of two axes."""
    rank = len(site.shape)
    axes = [axis_of(site, name, rank, n) for n, name in enumerate(("axis1", "axis2"))]
    if axes[0] == axes[1]:
        site.options.wrong("axis2", "another axis than axis1")
    offset = site.options.raw("offset", 0)
    if not is_whole(offset) or not -site.shape[axes[0]] < offset < site.shape[axes[1]]:
        site.options.wrong("offset", "a diagonal of the input")
    output = tuple(size for n, size in enumerate(site.shape) if n not in axes)
    return Plan(output, config={"offset": offset, "axis1": axes[0], "axis2": axes[1]})


def _check_type(site: Site) -> None:
    """Of what comes out: other types would wrap or round."""
    dtype = site.options.raw("dtype", None)
    if dtype not in (None, "float32"):
        site.unsupported(
            f"it computes in {value_shown(dtype)}, and only float32 is reproduced exactly",
            "Leave dtype out, and use cast for integers.",
        )


def _reduced(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """Shape after a reduction."""
    if keepdims:
        return tuple(1 if n in axes else size for n, size in enumerate(shape))
    return tuple(size for n, size in enumerate(shape) if n not in axes)
