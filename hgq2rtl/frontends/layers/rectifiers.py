"""The family of ReLU: a straight line on either side of a threshold.

``config`` of a ReLU record: max_value (or None), negative_slope, threshold. A LeakyReLU is a
ReLU record too. A PReLU record has the array alpha, which broadcasts to the input.
"""

from __future__ import annotations

from ..hdf5 import Variable
from ..options import is_whole, plain_list
from ..schema import Plan, Shape, Site, reads


@reads("ReLU", package="keras")
def relu(site: Site) -> Plan:
    """``x`` above the threshold, at most max_value; below it a slope through the threshold."""
    options = site.options
    maximum = options.raw("max_value", None)
    if maximum is not None and (maximum := options.number("max_value")) < 0:
        options.wrong("max_value", "null or at least 0")
    slope, threshold = (_at_least_0(site, name) for name in ("negative_slope", "threshold"))
    config = {"max_value": maximum, "negative_slope": slope, "threshold": threshold}
    return Plan(output=site.shape, config=config)


@reads("LeakyReLU", package="keras")
def leaky_relu(site: Site) -> Plan:
    """``x`` above 0, a slope below; older files call the slope alpha."""
    name = "alpha" if site.options.has("alpha") else "negative_slope"
    slope = site.options.number(name, 0.3)
    if slope < 0:
        site.options.wrong(name, "at least 0")
    config = {"max_value": None, "negative_slope": slope, "threshold": 0.0}
    return Plan(output=site.shape, config=config, class_name="ReLU")


@reads("PReLU", package="keras")
def prelu(site: Site) -> Plan:
    """A trained slope below 0, which may be shared along axes."""
    shape = _slope_shape(site)
    return Plan(output=site.shape, variables=(Variable("alpha", shape),))


def _slope_shape(site: Site) -> Shape:
    shared = plain_list(site.options.raw("shared_axes", None)) or []
    rank = len(site.shape)
    if not isinstance(shared, list) or not all(is_whole(a) and 1 <= a <= rank for a in shared):
        site.options.wrong("shared_axes", f"null or a list of axes from 1 to {rank}")
    return tuple(1 if axis in shared else size for axis, size in enumerate(site.shape, 1))


def _at_least_0(site: Site, name: str) -> float:
    value = site.options.raw(name, 0.0)
    if value is None or (number := site.options.number(name, 0.0)) < 0:
        site.options.wrong(name, "a number of at least 0")
    return number
