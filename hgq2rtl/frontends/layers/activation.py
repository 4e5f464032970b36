"""Activations without weights: ReLU and Activation.

``config`` of an Activation record: activation, ``relu`` or ``linear``. A ReLU record has
no options: it is the plain one.
"""

from __future__ import annotations

from ..schema import Plan, Site, activation, reads


@reads("ReLU", package="keras")
def relu(site: Site) -> Plan:
    """``max(x, 0)``."""
    options = site.options
    maximum = options.raw("max_value", None)
    if maximum is not None and options.number("max_value") < 0:
        options.wrong("max_value", "null or at least 0")
    is_plain = (
        maximum is None
        and options.number("negative_slope", 0.0) == 0
        and options.number("threshold", 0.0) == 0
    )
    if not is_plain:
        site.unsupported(
            "a ReLU with max_value, negative_slope or threshold has no hardware form here yet",
            "Use a plain ReLU; a quantizer with SAT behind it limits the range.",
        )
    return Plan(output=site.shape)


@reads("Activation", package="keras")
def named(site: Site) -> Plan:
    """An activation by name."""
    return Plan(output=site.shape, config={"activation": activation(site)})


@reads("Relu", package="ops")
def relu_operation(site: Site) -> Plan:
    """``keras.ops.relu``."""
    return Plan(output=site.shape, config={"activation": "relu"}, class_name="Activation")
