"""The structure of a saved Keras model: layers, how they call each other, ports.

``config.json`` describes a Functional or Sequential model, whose layers may be
such models again. Here it becomes a tree of :class:`Model` with checked names
and references; options of the layers stay as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import BadModelFile, TooLarge, UnsupportedLayer
from . import limits
from .options import is_whole, plain_list
from .stored_array import stored_array
from .untrusted import place, shown, value_shown

FUNCTIONAL = ("Functional", "Model")
SEQUENTIAL = ("Sequential",)

_ADVICE = "The file is damaged or was edited; save the model again."


@dataclass(frozen=True)
class Reference:
    """One output of one use of a layer."""

    layer: str
    node: int
    """Which use, counted from 0."""
    tensor: int
    """Which output of it."""
    shape: Any = None
    """As the file declares it, batch included; None if it does not."""
    dtype: Any = None
    """As the file declares it."""


@dataclass(frozen=True)
class Tensor:
    """Stands in the arguments of a use for one of its input tensors."""

    input: int


@dataclass(frozen=True, eq=False)
class Node:
    """One use of a layer: what it is called with."""

    inputs: tuple[Reference, ...]
    """All tensors among the arguments, in order, keywords last."""
    arguments: tuple[Any, ...] = ()
    """Positional arguments; where a tensor stands, the :class:`Tensor` that numbers it."""
    keywords: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Entry:
    """One layer of a model, as the file describes it."""

    name: str
    """With the names of the models around it: ``block/dense``."""
    package: str
    """``hgq``, ``hgq1``, ``keras``, ``ops``, or ``unknown``."""
    class_name: str
    config: Mapping[str, Any]
    stored_at: str
    """Its group in the weight file."""
    nodes: tuple[Node, ...]
    model: Model | None = None
    """The model that the layer is, if it is one."""

    @property
    def is_input(self) -> bool:
        return self.package == "keras" and self.class_name == "InputLayer"

    @property
    def uses(self) -> int:
        """How many uses there are to refer to: an input has one."""
        return 1 if self.is_input else len(self.nodes)


@dataclass(frozen=True, eq=False)
class Model:
    """A Functional or Sequential model."""

    name: str
    entries: Mapping[str, Entry]
    """By the name within this model."""
    inputs: tuple[Reference, ...]
    outputs: tuple[Reference, ...]


@dataclass
class _Reading:
    """What one reading of a file carries along."""

    source: str
    depth: int = 0
    layers: int = 0
    stored: dict[tuple[int, str], str] = field(default_factory=dict)
    """Where a layer object that lies in several models is stored: at its first place."""

    def where(self, name: str, class_name: str) -> str:
        return place(name, class_name, self.source)


def read_model(config: Any, source: str) -> Model:
    """Check the structure that ``config.json`` describes.

    Raises
    ------
    BadModelFile
        If names are missing, doubled or no names, or something is not of the form that Keras
        writes.
    UnsupportedLayer
        If the model is neither Functional nor Sequential.
    TooLarge
        If models nest deeper than ``limits`` allow.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("config"), Mapping):
        raise BadModelFile(f"{source}: config.json describes no model. {_ADVICE}")
    class_name = config.get("class_name")
    if class_name not in FUNCTIONAL + SEQUENTIAL:
        raise UnsupportedLayer(
            f"{source}: the model is of class {value_shown(class_name)}, whose Python code says "
            f"what it computes. Build it as a Functional or Sequential model."
        )
    name = config["config"].get("name", class_name)
    if not isinstance(name, str) or _has_surrogates(name):
        raise BadModelFile(
            f"{source}: the model has the name {value_shown(name)}; a name is a text. {_ADVICE}"
        )
    return _model(config, name, "", "layers", _Reading(source))


def _model(config: Mapping[str, Any], name: str, prefix: str, stored: str, r: _Reading) -> Model:
    if r.depth > limits.NESTED_MODELS:
        raise TooLarge(
            f"{r.source}: models nest deeper than {limits.NESTED_MODELS}. Build the model flatter."
        )
    r.depth += 1
    where = r.where(prefix.rstrip("/") or name, config["class_name"])
    layers = config["config"].get("layers")
    if not isinstance(layers, list) or not layers:
        raise BadModelFile(f"{where}: 'layers' is no list of layers. {_ADVICE}")
    r.layers += len(layers)
    if r.layers > limits.LAYERS:
        raise TooLarge(
            f"{r.source}: the model has more than {limits.LAYERS} layers. Build a smaller model."
        )
    if config["class_name"] in SEQUENTIAL:
        model = _sequential(config["config"], layers, name, prefix, stored, r)
    else:
        model = _functional(config["config"], layers, name, prefix, stored, r)
    r.depth -= 1
    return model


def _functional(
    config: Mapping[str, Any], layers: list[Any], name: str, prefix: str, stored: str, r: _Reading
) -> Model:
    where = r.where(prefix.rstrip("/") or name, "Functional")
    entries = _entries(layers, prefix, stored, r)
    inputs = _ports(config.get("input_layers"), "input_layers", entries, where)
    outputs = _ports(config.get("output_layers"), "output_layers", entries, where)
    _check_inputs(inputs, entries, where)
    return Model(name, entries, inputs, outputs)


def _check_inputs(inputs: tuple[Reference, ...], entries: Mapping[str, Entry], where: str) -> None:
    """Inputs are input layers, each once."""
    names = [reference.layer for reference in inputs]
    for name, count in Counter(names).items():
        if count > 1 or name not in entries or not entries[name].is_input:
            problem = "is given twice" if count > 1 else "is no input layer"
            raise BadModelFile(f"{where}: the model's input {shown(name)!r} {problem}. {_ADVICE}")


def _sequential(
    config: Mapping[str, Any], layers: list[Any], name: str, prefix: str, stored: str, r: _Reading
) -> Model:
    """A chain; without an input layer, the shape that the model was built for is the input."""
    first = layers[0]
    has_input = isinstance(first, Mapping) and first.get("class_name") == "InputLayer"
    if not has_input:
        layers = [_input_layer(config, [_own_name(layer) for layer in layers]), *layers]
    entries = _entries(layers, prefix, stored, r)
    names = list(entries)
    chained = {
        own: entry if n == 0 else _with_input(entry, names[n - 1])
        for n, (own, entry) in enumerate(entries.items())
    }
    return Model(name, chained, (Reference(names[0], 0, 0),), (Reference(names[-1], 0, 0),))


def _with_input(entry: Entry, source: str) -> Entry:
    return replace(entry, nodes=(Node((Reference(source, 0, 0),)),))


def _input_layer(config: Mapping[str, Any], taken: list[Any]) -> dict[str, Any]:
    name = "input_layer"
    while name in taken:
        name += "_"
    return {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {"name": name, "batch_shape": config.get("build_input_shape")},
    }


def _entries(layers: list[Any], prefix: str, stored: str, r: _Reading) -> dict[str, Entry]:
    """The layers of a model by name, in the file's order."""
    found: dict[str, Entry] = {}
    places = _stored_places(layers, stored)
    for position, (layer, stored_at) in enumerate(zip(layers, places, strict=True)):
        own = _checked_name(layer, position, prefix, r)
        if own in found:
            raise BadModelFile(
                f"{r.where(prefix + own, layer['class_name'])}: two layers have this name, so "
                f"references to it are ambiguous. {_ADVICE}"
            )
        found[own] = _entry(layer, prefix + own, stored_at, r)
    return found


def _entry(layer: Mapping[str, Any], name: str, stored_at: str, r: _Reading) -> Entry:
    class_name = layer["class_name"]
    where = r.where(name, class_name)
    stored_at = _first_place(layer, stored_at, r)
    package, class_name = package_and_class(layer)
    model = None
    if package == "keras" and class_name in FUNCTIONAL + SEQUENTIAL:
        model = _model(layer, name, f"{name}/", f"{stored_at}/layers", r)
    nodes = layer.get("inbound_nodes", [])
    if not isinstance(nodes, list):
        raise BadModelFile(f"{where}: 'inbound_nodes' is no list. {_ADVICE}")
    return Entry(
        name=name,
        package=package,
        class_name=class_name,
        config=layer["config"],
        stored_at=stored_at,
        nodes=tuple(_node(node, where) for node in nodes),
        model=model,
    )


def _first_place(layer: Mapping[str, Any], stored_at: str, r: _Reading) -> str:
    """Keras stores a layer object that lies in several models once."""
    shared: Any = layer.get("shared_object_id")
    if not is_whole(shared):
        return stored_at
    return r.stored.setdefault((shared, str(layer["class_name"])), stored_at)


def _own_name(layer: Any) -> Any:
    """The name of a layer within its model; Sequential models keep it in the options only."""
    if not isinstance(layer, Mapping) or not isinstance(layer.get("config"), Mapping):
        return None
    return layer.get("name", layer["config"].get("name"))


def _checked_name(layer: Any, position: int, prefix: str, r: _Reading) -> str:
    """The name of a layer whose outer form is right."""
    at = f"{r.source}: layer {position} of {shown(prefix.rstrip('/')) or 'the model'}"
    name = _own_name(layer)
    if not isinstance(layer, Mapping) or not isinstance(layer.get("config"), Mapping):
        raise BadModelFile(f"{at} is {value_shown(layer)}, which describes no layer. {_ADVICE}")
    if not isinstance(layer.get("class_name"), str):
        raise BadModelFile(f"{at} has no class. {_ADVICE}")
    if not isinstance(name, str) or not name or "/" in name or _has_surrogates(name):
        raise BadModelFile(
            f"{at} has the name {value_shown(name)}; a name is a text without '/'. {_ADVICE}"
        )
    if layer["config"].get("name", name) != name:
        raise BadModelFile(
            f"{r.where(prefix + name, layer['class_name'])}: its options give it another name, "
            f"{value_shown(layer['config']['name'])}. {_ADVICE}"
        )
    return name


def _has_surrogates(name: str) -> bool:
    """Half characters, which no file or terminal takes."""
    return any("\ud800" <= c <= "\udfff" for c in name)


def package_and_class(layer: Mapping[str, Any]) -> tuple[str, str]:
    """Where a class comes from, and its name there. Nothing is imported."""
    class_name = layer["class_name"]
    module, registered = layer.get("module"), layer.get("registered_name")
    module = module if isinstance(module, str) else ""
    if isinstance(registered, str) and ">" in registered:
        package, _, registered_class = registered.partition(">")
        is_hgq = package in ("hgq", "hgq2") and registered_class == class_name
        return ("hgq" if is_hgq else "unknown"), class_name
    for package, prefixes in _MODULES.items():
        if any(module == p or module.startswith(f"{p}.") for p in prefixes):
            return package, class_name
    return "unknown", class_name


_MODULES = {
    "ops": ("keras.ops", "keras.src.ops"),
    "keras": ("keras", "keras.layers", "keras.src.layers", "keras.src.models"),
    "hgq": ("hgq",),
    "hgq1": ("HGQ",),
}


def _stored_places(layers: list[Any], stored: str) -> Iterator[str]:
    """The groups of the layers: by class, numbered in order; operations have none."""
    used: Counter[str] = Counter()
    for layer in layers:
        class_name = layer.get("class_name") if isinstance(layer, Mapping) else None
        if not isinstance(class_name, str) or package_and_class(layer)[0] == "ops":
            yield stored
            continue
        name = snake_case(class_name)
        yield f"{stored}/{name}{f'_{used[name]}' if used[name] else ''}"
        used[name] += 1


def snake_case(class_name: str) -> str:
    """How the weight file writes a class.

    Examples
    --------
    >>> snake_case("QEinsumDenseBatchnorm"), snake_case("QDenseT")
    ('q_einsum_dense_batchnorm', 'q_dense_t')
    """
    name = re.sub(r"\W+", "", class_name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _node(node: Any, where: str) -> Node:
    """One use: ``{"args": [...], "kwargs": {...}}``."""
    args = node.get("args") if isinstance(node, Mapping) else None
    kwargs = node.get("kwargs") if isinstance(node, Mapping) else None
    if not isinstance(args, list) or not isinstance(kwargs, Mapping):
        raise BadModelFile(f"{where}: a call of the layer is not of Keras 3's form. {_ADVICE}")
    values = [_argument(value, where) for value in args]
    keywords = {key: _argument(value, where) for key, value in kwargs.items()}
    if not values and "inputs" in keywords:
        values = [keywords.pop("inputs")]
    while len(values) > 1 and values[-1] is None:
        values.pop()
    inputs: list[Reference] = []
    numbered = tuple(_numbered(value, inputs) for value in values)
    named = {key: _numbered(value, inputs) for key, value in keywords.items()}
    if not inputs:
        raise BadModelFile(f"{where}: the layer is called without an input. {_ADVICE}")
    return Node(tuple(inputs), numbered, named)


def _numbered(value: Any, inputs: list[Reference]) -> Any:
    """`value` with its tensors appended to `inputs` and numbered: objects by sorted key."""
    if isinstance(value, Reference):
        inputs.append(value)
        return Tensor(len(inputs) - 1)
    if isinstance(value, list):
        return [_numbered(item, inputs) for item in value]
    if isinstance(value, Mapping):
        return {key: _numbered(value[key], inputs) for key in sorted(value)}
    return value


def _argument(value: Any, where: str) -> Any:
    """A call's argument: tensors become references, slices slices, stored arrays arrays."""
    value = plain_list(value)
    if isinstance(value, list):
        return [_argument(item, where) for item in value]
    if not isinstance(value, Mapping):
        return value
    config = value.get("config")
    match value.get("class_name"):
        case "__keras_tensor__":
            return _tensor(config, where)
        case "__ellipsis__":
            return Ellipsis
        case "__numpy__" | "__tensor__" if isinstance(config, Mapping):
            return stored_array(config, where)
        case "__slice__" if isinstance(config, Mapping):
            bounds = [config.get(key) for key in ("start", "stop", "step")]
            if all(bound is None or is_whole(bound) for bound in bounds):
                return slice(*bounds)
            raise BadModelFile(f"{where}: a range has bounds that are no numbers. {_ADVICE}")
    return {key: _argument(item, where) for key, item in value.items()}


def _tensor(config: Any, where: str) -> Reference:
    history = config.get("keras_history") if isinstance(config, Mapping) else None
    found = _reference(history)
    if found is None:
        raise BadModelFile(f"{where}: an input of the layer names no source. {_ADVICE}")
    return replace(found, shape=config.get("shape"), dtype=config.get("dtype"))


def _reference(value: Any) -> Reference | None:
    """``["dense", 0, 0]``: layer, use, output."""
    if not isinstance(value, list) or len(value) != 3:
        return None
    layer, node, tensor = value
    if not isinstance(layer, str) or not all(is_whole(n) and n >= 0 for n in (node, tensor)):
        return None
    return Reference(layer, node, tensor)


def _ports(
    value: Any, name: str, entries: Mapping[str, Entry], where: str
) -> tuple[Reference, ...]:
    """``input_layers`` or ``output_layers``: one reference, a list or an object of them."""
    found = tuple(_port_references(value))
    if len(found) > limits.PORTS:
        raise TooLarge(
            f"{where}: {name!r} names {len(found)} tensors; the limit is {limits.PORTS}. "
            f"Join outputs with Concatenate."
        )
    if not found or None in found:
        raise BadModelFile(f"{where}: {name!r} does not name layers and their outputs. {_ADVICE}")
    return tuple(_counted_from_zero(reference, entries) for reference in found if reference)


def _port_references(value: Any) -> Iterator[Reference | None]:
    """The references in Keras' order; None for what is none."""
    value = plain_list(value)
    if reference := _reference(value):
        yield reference
    elif isinstance(value, list):
        for item in value:
            yield from _port_references(item)
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield from _port_references(value[key])
    else:
        yield None


def _counted_from_zero(reference: Reference, entries: Mapping[str, Entry]) -> Reference:
    """Ports count the uses of a Functional model from 1: its own making is use 0."""
    entry = entries.get(reference.layer)
    is_functional = entry and entry.model and entry.class_name in FUNCTIONAL
    if is_functional and reference.node > 0:
        return Reference(reference.layer, reference.node - 1, reference.tensor)
    return reference
