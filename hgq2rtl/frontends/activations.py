"""Functions that a layer's options name: of Keras, of NumPy, or of the model's author.

A file holds a name, or an object that describes a function by its name. Nothing is looked
up or imported here: a record holds the name, and lowering knows the functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .schema import Site
from .untrusted import value_shown

_OF_AN_AXIS = {
    "glu": "multiplies one half of an axis by a function of the other",
    "log_softmax": "divides by a sum over an axis",
    "softmax": "divides by a sum over an axis",
    "sparsemax": "sorts an axis",
}
"""Keras' activations that are no functions of single numbers."""


def function_name(site: Site, option: str = "activation", default: Any = None) -> str:
    """The name of a function of single numbers: ``tanh``, or ``package>name`` for a registered one.

    Raises
    ------
    UnsupportedLayer
        If the option holds something else than a named function, or one of a whole axis.
    """
    value = site.options.raw(option, default)
    name = _name(value)
    if name is None:
        site.unsupported(
            f"{option} {value_shown(_shortened(value))} is not a function with a name",
            "Name one of Keras' activations, or a function that is registered with "
            "keras.saving.register_keras_serializable.",
        )
    if name in _OF_AN_AXIS:
        site.unsupported(
            f"{option} {name!r} {_OF_AN_AXIS[name]}, which has no exact form",
            "Use hgq2's QSoftmax, or leave it away: the largest output stays the largest.",
        )
    return name


def _name(value: Any) -> str | None:
    if value is None:
        return "linear"
    if isinstance(value, Mapping) and str(value.get("class_name")).lower().endswith("function"):
        value = value.get("config")
    return value if isinstance(value, str) else None


def _shortened(value: Any) -> Any:
    """Of an object, its class."""
    return value.get("class_name") if isinstance(value, Mapping) else value
