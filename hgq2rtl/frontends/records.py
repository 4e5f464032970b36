"""Records from plans: options checked, variables read, quantizers built.

The schemas of :mod:`.layers` say what a use of a layer means and what the file must store
for it; here that is carried out, once for each layer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from ..errors import BadModelFile, UnsupportedLayer
from . import layers as _schemas  # noqa: F401  (importing it fills the register)
from . import limits
from .graph import Call, Layer, Port, Quantizer
from .hdf5 import WeightFile
from .options import Options, is_whole, plain_list
from .quantizers import quantizer, read_options
from .schema import Plan, Shape, Site, check_same_needs, read_classes, schema_of
from .topology import Entry, Model, Node, Reference
from .untrusted import place, shown, value_shown


@dataclass
class _Known:
    """A layer that has been read, and the plan of its first use."""

    layer: Layer
    plan: Plan


class GraphBuilder:
    """Makes the records of one model: carries out the plans of its layers.

    Parameters
    ----------
    weights : WeightFile
    source : str
        The file, as messages name it.
    """

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
            check_same_needs(known.plan, plan, where)
            _check_formats_fit(known.layer, plan, where)
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


def _check_formats_fit(layer: Layer, plan: Plan, where: str) -> None:
    """Refuse a use of a layer whose formats do not fit its tensors: it may be a shared one."""
    taken: Counter[str] = Counter()
    for slot in plan.slots:
        record = layer.quantizers[slot.place][taken[slot.place]]
        taken[slot.place] += 1
        shape = slot.shape[1:] if slot.is_data else slot.shape
        if not _broadcasts_to(record.k.shape, shape):
            raise BadModelFile(
                f"{where}: the layer's formats, of shape {record.k.shape}, do not fit its use on "
                f"a tensor of shape {shape}. Save the model again from Keras."
            )


def _broadcasts_to(shape: Shape, target: Shape) -> bool:
    """Whether numbers of `shape` spread to `target`, which has as many axes."""
    return len(shape) == len(target) and all(
        size in (1, wanted) for size, wanted in zip(shape, target, strict=True)
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
