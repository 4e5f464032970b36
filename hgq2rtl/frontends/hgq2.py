"""HGQ2 models saved by Keras 3: from the parts of an archive to a LayerGraph.

:mod:`.topology` reads who calls whom, :mod:`.flatten` walks it, the schemas of
:mod:`.layers` say what each use means; here their plans are carried out:
variables read, quantizers built, records made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import numpy as np

from ..errors import BadModelFile, UnsupportedLayer
from . import layers as _registered_layers  # noqa: F401  (fills the register of schemas)
from . import limits, strict_json
from .archive import Archive, read_archive
from .flatten import Flattener
from .graph import Call, Layer, LayerGraph, Port, Quantizer
from .hdf5 import WeightFile
from .options import Options, is_whole, plain_list
from .quantizers import quantizer, read_options
from .schema import (
    Plan,
    Shape,
    Site,
    Slot,
    check_variables_agree,
    read_classes,
    schema_of,
)
from .topology import Entry, Model, Node, Reference, read_model
from .untrusted import place, shown, value_shown


def read_keras(path: Path, source: str) -> LayerGraph:
    """The LayerGraph of a ``.keras`` file; `source` names it in messages."""
    try:
        return _graph(read_archive(path, source), source)
    except RecursionError:
        raise BadModelFile(
            f"{source}: something nests deeper than in any model. Save the model again."
        ) from None


def _graph(archive: Archive, source: str) -> LayerGraph:
    config = strict_json.parse(archive.config, f"{source}: config.json")
    model = read_model(config, source)
    builder = _Builder(WeightFile(archive.weights, source), source)
    inputs = builder.inputs(model)
    flattener = Flattener(source, builder.call, builder.check_declared)
    outputs = flattener.run(model, [port.tensor for port in inputs])
    return LayerGraph(
        name=model.name,
        source=source,
        origin=_origin(archive.metadata, source),
        inputs=inputs,
        calls=builder.calls,
        outputs=_output_ports(model, outputs),
        shapes=builder.shapes,
    )


def _origin(metadata: bytes, source: str) -> str:
    """What wrote the file; a file without a word about it is as good."""
    found = strict_json.parse(metadata, f"{source}: metadata.json") if metadata else {}
    version = found.get("keras_version") if isinstance(found, Mapping) else None
    return f"HGQ2 archive (Keras {shown(version)})" if isinstance(version, str) else "HGQ2 archive"


def _output_ports(model: Model, tensors: Iterable[int]) -> list[Port]:
    """Outputs have the name of their layer; a second one gets a number."""
    used: Counter[str] = Counter()
    names = [reference.layer for reference in model.outputs]
    ports = []
    for name, tensor in zip(names, tensors, strict=True):
        candidate = f"{name}_{used[name]}" if used[name] else name
        while used[name] and candidate in names:
            used[name] += 1
            candidate = f"{name}_{used[name]}"
        used[name] += 1
        ports.append(Port(candidate, tensor))
    return ports


@dataclass
class _Known:
    """A layer that has been read, and the plan of its first use."""

    layer: Layer
    plan: Plan


class _Builder:
    """Makes the records of one model."""

    def __init__(self, weights: WeightFile, source: str):
        self._weights = weights
        self._source = source
        self._known: dict[int, _Known] = {}
        self.calls: list[Call] = []
        self.shapes: list[Shape] = []

    def inputs(self, model: Model) -> list[Port]:
        """The model's input ports, each with a tensor of its declared shape."""
        entries = [model.entries[reference.layer] for reference in model.inputs]
        return [
            Port(reference.layer, self._tensor(self._input_shape(entry), entry))
            for reference, entry in zip(model.inputs, entries, strict=True)
        ]

    def call(self, entry: Entry, node: Node, inputs: tuple[int, ...]) -> int:
        """Record one use of a layer; gives its output tensor."""
        where = self._where(entry)
        shapes = [self.shapes[tensor] for tensor in inputs]
        site = Site(Options(entry.config, where), shapes, node.extras, node.keywords)
        plan = self._plan(entry, site)
        layer = self._layer(entry, plan, where)
        output = self._tensor(plan.output, entry)
        self.calls.append(Call(layer, inputs, (output,), plan.arguments))
        return output

    def check_declared(self, tensor: int, reference: Reference, where: str) -> None:
        """Refuse a tensor whose shape is not the one that the file declares."""
        declared, shape = plain_list(reference.shape), self.shapes[tensor]
        if declared is None:
            return
        fits = (
            isinstance(declared, list)
            and len(declared) == len(shape) + 1
            and all(d in (None, s) for d, s in zip(declared[1:], shape, strict=True))
        )
        if not fits:
            raise BadModelFile(
                f"{where}: the file declares an input of shape {value_shown(declared)}, and the "
                f"layers before give (None, {', '.join(map(str, shape))}). "
                f"The file is damaged or was edited; save the model again."
            )

    def _where(self, entry: Entry) -> str:
        return place(entry.name, entry.class_name, self._source)

    def _tensor(self, shape: Shape, entry: Entry) -> int:
        limits.check_tensor(shape, self._where(entry))
        self.shapes.append(shape)
        return len(self.shapes) - 1

    def _input_shape(self, entry: Entry) -> Shape:
        options = Options(entry.config, self._where(entry))
        for flag in ("sparse", "ragged", "optional"):
            if options.boolean(flag, default=False):
                raise UnsupportedLayer(
                    f"{options.where}: a {flag} input has no hardware form. Use a plain input."
                )
        shape = plain_list(options.raw("batch_shape"))
        if not isinstance(shape, list) or not 0 < len(shape) <= limits.RANK:
            options.wrong("batch_shape", "a list of sizes that begins with the batch")
        if None in shape[1:]:
            raise UnsupportedLayer(
                f"{options.where}: the input shape {value_shown(shape)} leaves a size open, and "
                f"a circuit has a fixed one. Build the model with all sizes but the batch given."
            )
        if not all(is_whole(size) and size > 0 for size in shape[1:]):
            options.wrong("batch_shape", "a list of sizes above 0")
        return tuple(shape[1:])

    def _plan(self, entry: Entry, site: Site) -> Plan:
        schema = schema_of(entry.package, entry.class_name)
        if schema is None:
            _refuse_class(entry, site)
        plan = schema(site)
        _check_dtype(site)
        site.refuse_leftovers()
        return plan

    def _layer(self, entry: Entry, plan: Plan, where: str) -> Layer:
        """The record of a layer: read at its first use, checked again at each further one."""
        known = self._known.get(id(entry))
        if known is None:
            known = _Known(self._read(entry, plan, where), plan)
            self._known[id(entry)] = known
        else:
            check_variables_agree(known.plan, plan, where)
        for slot in plan.slots:
            _check_broadcast(known.layer, slot, plan, where)
        if dict(plan.config) == dict(known.plan.config):
            return known.layer
        return replace(known.layer, config={**known.layer.config, **plan.config})

    def _read(self, entry: Entry, plan: Plan, where: str) -> Layer:
        arrays = {}
        if plan.variables:
            arrays = self._weights.read(f"{entry.stored_at}/vars", plan.variables, where)
        ebops = arrays.pop("ebops", None)
        config = dict(plan.config)
        if ebops is not None:
            config["stored_ebops"] = int(ebops)
        layer = Layer(
            name=entry.name,
            class_name=plan.class_name or entry.class_name,
            config=config,
            arrays={name: _as_used(values, name, where) for name, values in arrays.items()},
            quantizers=self._quantizers(entry, plan, where),
        )
        if plan.last_check is not None:
            plan.last_check(layer, where)
        return layer

    def _quantizers(self, entry: Entry, plan: Plan, where: str) -> dict[str, tuple[Quantizer, ...]]:
        found: dict[str, tuple[Quantizer, ...]] = {}
        for slot in plan.slots:
            at = f"{where}: {slot.option}"
            options = read_options(slot.raw, slot.default, len(slot.shape), at)
            folder = f"{entry.stored_at}/{slot.folder}/vars"
            stored = self._weights.read(folder, options.variables(slot.shape), at)
            record = quantizer(options, stored, slot.is_data, at)
            found[slot.place] = (*found.get(slot.place, ()), record)
        return found


def _check_broadcast(layer: Layer, slot: Slot, plan: Plan, where: str) -> None:
    """Refuse a shared layer whose formats do not fit a further input."""
    if not slot.is_data:
        return
    same_place = [s for s in plan.slots if s.place == slot.place]
    record = layer.quantizers[slot.place][same_place.index(slot)]
    shape = slot.shape[1:]
    if record.k.ndim != len(shape) or np.broadcast_shapes(record.k.shape, shape) != shape:
        raise BadModelFile(
            f"{where}: the layer's formats, of shape {record.k.shape}, do not fit its use on an "
            f"input of shape {shape}. Save the model again from Keras."
        )


def _as_used(values: np.ndarray, name: str, where: str) -> np.ndarray:
    """Numbers as the layer computes with them: float32, whatever the file holds."""
    with np.errstate(over="ignore", under="ignore"):
        used = values.astype(np.float32)
    if not np.all(np.isfinite(used)):
        raise BadModelFile(
            f"{where}: {name} holds {np.abs(values).max():g}, which is infinite in the float32 "
            f"that the layer computes in. Train again or restore an earlier checkpoint."
        )
    return used


def _check_dtype(site: Site) -> None:
    """Networks are exact in float32; a narrower type would round on the way."""
    dtype = site.options.raw("dtype", None)
    if isinstance(dtype, Mapping):
        config = dtype.get("config")
        name = config.get("name") if isinstance(config, Mapping) else None
        dtype = name if dtype.get("class_name") == "DTypePolicy" else dtype.get("class_name")
    if dtype not in (None, "float32"):
        site.unsupported(
            f"the layer computes in {value_shown(dtype)}, and only float32 is reproduced exactly",
            "Build the model with the dtype policy float32.",
        )


def _refuse_class(entry: Entry, site: Site) -> NoReturn:
    """Say why a class is not read, and what to do."""
    name = shown(entry.class_name)
    if entry.class_name in _CODE_CLASSES:
        site.unsupported(
            "the layer is Python code, and no code of a model file is ever run",
            "Replace it by layers of a known class.",
        )
    if entry.package == "unknown":
        site.unsupported(
            "the class is in no package known here, and nothing of a model file is imported",
            "Replace the layer by layers of hgq2 and Keras.",
        )
    if entry.package == "keras" and entry.class_name in _HAS_QUANTIZED_TWIN:
        site.unsupported(
            f"a plain {name} computes in floating point", f"Use hgq2's Q{name} instead."
        )
    site.unsupported(
        "this class has no hardware form here yet",
        f"Build the model of what is read: {', '.join(read_classes())}.",
    )


_CODE_CLASSES = ("Lambda", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer")
_HAS_QUANTIZED_TWIN = ("Add", "BatchNormalization", "Dense", "EinsumDense")
