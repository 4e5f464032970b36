"""The register of handlers: one for each layer class, by symbolic execution.

A handler computes with :class:`FixedArray` what its layer means. Order in a quantized
layer: input quantizers, exact linear algebra, bias, activation, output quantizer.
Accumulators are exact.
"""

from __future__ import annotations

from collections.abc import Callable

from .fixed_array import FixedArray
from .functions import applied
from .layer import LoweringLayer

Handler = Callable[..., FixedArray | tuple[FixedArray, ...]]
HANDLERS: dict[str, Handler] = {}


def handles(*class_names: str) -> Callable[[Handler], Handler]:
    """Register a handler: ``handler(layer, *inputs) -> output``, or a tuple of outputs.

    The first paragraph of its docstring says in docs/layers.md what is built, and its limits.
    """

    def register(handler: Handler) -> Handler:
        for name in class_names:
            if name in HANDLERS:
                raise ImportError(f"layer class {name} has two handlers")
            HANDLERS[name] = handler
        return handler

    return register


def activate(layer: LoweringLayer, x: FixedArray, option: str = "activation") -> FixedArray:
    """The layer's ``activation`` option, or another one that names an activation.

    What is no exact arithmetic stays open until a quantizer makes it a table.
    """
    name = layer.config.get(option)
    return x if name is None else applied(layer, x, name, layer.config.get("parameters"))


def finish(layer: LoweringLayer, y: FixedArray) -> FixedArray:
    """Activation and output quantizer."""
    return layer.quantize("output", activate(layer, y))
