"""Layers that stand in another layer's options: the cell of an RNN, what a wrapper wraps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .schema import Part, Shape, Site
from .topology import FUNCTIONAL, SEQUENTIAL, package_and_class
from .untrusted import value_shown


def nested_part(
    site: Site, option: str, described: Any, shapes: Sequence[Shape], folder: str
) -> Part:
    """The layer that `described` describes, as a part.

    Parameters
    ----------
    option : str
        Where the description stands, for messages.
    described : JSON value
        What Keras writes for a layer: class, module and options.
    shapes : of its inputs
    folder : str
        Where its variables lie, below the outer layer.

    Raises
    ------
    BadModelFile
        If it describes no layer.
    UnsupportedLayer
        If it is a model, of a class that is not read, or computes in another float type.
    """
    class_of_nested(site, option, described)
    package, class_name = package_and_class(described)
    if package == "keras" and class_name in FUNCTIONAL + SEQUENTIAL:
        site.unsupported(
            "it holds a whole model", "Give it a layer: wrap the model's layers one by one."
        )
    own_type = _float_type(site.options.raw("dtype", None))
    if _float_type(described["config"].get("dtype")) != own_type:
        site.unsupported(
            "the layer that it holds has another dtype policy", "Give both the same, float32."
        )
    return site.part(class_name, described["config"], shapes, folder, package)


def class_of_nested(site: Site, option: str, described: Any) -> str:
    """The class of a layer that stands in an option."""
    if (
        not isinstance(described, Mapping)
        or not isinstance(described.get("class_name"), str)
        or not isinstance(described.get("config"), Mapping)
    ):
        site.options.bad(f"{option!r} holds {value_shown(described)}, which describes no layer")
    name: str = described["class_name"]
    return name


def _float_type(dtype: Any) -> Any:
    """The name of a dtype policy, which Keras writes as a text or as an object."""
    if isinstance(dtype, Mapping):
        inside = dtype.get("config")
        dtype = inside.get("name") if isinstance(inside, Mapping) else dtype.get("class_name")
    return "float32" if dtype is None else dtype
