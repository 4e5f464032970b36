"""Model configurations of Keras 2, brought into the form of Keras 3.

Keras 2 writes a call as ``[["dense", 0, 0, {}], ...]`` and a shape as ``batch_input_shape``,
leaves modules out of ``.h5`` files, and calls some options by other names. Here that is
translated, value by value; what has the form of Keras 3 already stays as it is, and so does
what has no sensible form: whoever reads the structure refuses it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .options import is_whole
from .schema import schema_of
from .topology import FUNCTIONAL, SEQUENTIAL

HGQ1_PREFIX = "HGQ>"
"""How registered names of HGQ v1 begin."""

_RENAMED = {"LeakyReLU": {"alpha": "negative_slope"}}
"""Options that Keras 3 calls otherwise, by class."""


def modernized(config: Any) -> Any:
    """The configuration of a model, in Keras 3's form."""
    inner = _options(config)
    layers = inner.get("layers")
    if not isinstance(layers, list):
        return config
    nested = _models_with_inputs(layers)
    chains = {name for name, class_name in nested.items() if class_name in SEQUENTIAL}
    options: dict[str, Any] = {**inner, "layers": [_layer(layer, nested) for layer in layers]}
    if any(_is_keras2(layer) for layer in layers):
        for ports in ("input_layers", "output_layers"):
            options[ports] = _ports(inner.get(ports), chains)
    return {**_with_origin(config), "config": options}


def _options(layer: Any) -> Mapping[str, Any]:
    config = layer.get("config") if isinstance(layer, Mapping) else None
    return config if isinstance(config, Mapping) else {}


def _is_keras2(layer: Any) -> bool:
    """Whether a layer's calls are written as Keras 2 writes them."""
    nodes = layer.get("inbound_nodes") if isinstance(layer, Mapping) else None
    return isinstance(nodes, list) and any(isinstance(node, list) for node in nodes)


def _models_with_inputs(layers: list[Any]) -> dict[str, str]:
    """Name and class of the layers that are models: Keras 2 counts their uses from 1."""
    found = {}
    for layer in layers:
        class_name = layer.get("class_name") if isinstance(layer, Mapping) else None
        if isinstance(class_name, str) and class_name in FUNCTIONAL + SEQUENTIAL:
            found[str(layer.get("name", _options(layer).get("name")))] = class_name
    return found


def _layer(layer: Any, nested: Collection[str]) -> Any:
    """One layer; a model among them with all that it holds."""
    if not isinstance(layer, Mapping) or not isinstance(layer.get("class_name"), str):
        return layer
    if layer["class_name"] in FUNCTIONAL + SEQUENTIAL:
        made = dict(modernized(layer))
    else:
        made = _with_origin(layer)
        made["config"] = _layer_options(layer.get("config"), made["class_name"])
    if _is_keras2(layer):
        made["inbound_nodes"] = [_node(node, nested) for node in layer["inbound_nodes"]]
    return made


def _with_origin(layer: Mapping[str, Any]) -> dict[str, Any]:
    """A layer with the module of its class, which Keras 2 leaves out of ``.h5`` files.

    A registered class stands there as ``package>name``; early versions of HGQ did not
    register theirs.
    """
    made = dict(layer)
    class_name, registered = str(made.get("class_name")), made.get("registered_name")
    if ">" in class_name:
        registered, class_name = class_name, class_name.rpartition(">")[2]
    is_bare = "module" not in made and registered is None
    if str(registered).startswith(HGQ1_PREFIX) or (is_bare and schema_of("hgq1", class_name)):
        return {**made, "class_name": class_name, "module": "HGQ", "registered_name": None}
    if is_bare:
        made["module"] = "keras.layers"
    return {**made, "class_name": class_name, "registered_name": registered}


def _layer_options(config: Any, class_name: str) -> Any:
    if not isinstance(config, Mapping):
        return config
    names = _RENAMED.get(class_name, {})
    options = {names.get(name, name): value for name, value in config.items()}
    shape = options.pop("batch_input_shape", None)
    if class_name == "InputLayer" and shape is not None:
        options["batch_shape"] = shape
    if class_name.startswith(("Depthwise", "Separable")) and options.get("groups") == 1:
        del options["groups"]
    axis = options.get("axis")
    if class_name == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        [options["axis"]] = axis
    if isinstance(options.get("dtype"), Mapping):
        options["dtype"] = _policy(options["dtype"])
    return options


def _policy(dtype: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**dtype, "class_name": "DTypePolicy"} if dtype.get("class_name") == "Policy" else dtype


def _node(node: Any, nested: Collection[str]) -> Any:
    """One call: its tensors as one argument, its keywords from any of them."""
    node = [node] if _is_reference(node) else node
    if not isinstance(node, list) or not node or not all(map(_is_reference, node)):
        return node
    tensors = [_tensor(item, nested) for item in node]
    keywords: Any = next((item[3] for item in node if len(item) > 3 and item[3]), {})
    return {"args": [tensors[0] if len(tensors) == 1 else tensors], "kwargs": keywords}


def _is_reference(item: Any) -> bool:
    return isinstance(item, list) and len(item) in (3, 4) and isinstance(item[0], str)


def _tensor(item: list[Any], nested: Collection[str]) -> dict[str, Any]:
    history = _counted_from_zero(item[:3], nested)
    return {"class_name": "__keras_tensor__", "config": {"keras_history": history}}


def _ports(ports: Any, chains: Collection[str]) -> Any:
    """References of a model's ports; those to Functional models are counted on by the reader."""
    if isinstance(ports, list) and ports and _is_reference(ports):
        return _counted_from_zero(ports, chains)
    if isinstance(ports, list):
        return [_ports(port, chains) for port in ports]
    if isinstance(ports, Mapping):
        return {key: _ports(port, chains) for key, port in ports.items()}
    return ports


def _counted_from_zero(reference: list[Any], nested: Collection[str]) -> list[Any]:
    layer, node, tensor = reference[:3]
    is_late = layer in nested and is_whole(node) and node > 0
    return [layer, node - 1 if is_late else node, tensor]
