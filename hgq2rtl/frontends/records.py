"""Records from plans: options checked, variables read, quantizers built.

The schemas of :mod:`.layers` say what a use of a layer means and what the file must store
for it; here that is carried out, once for each layer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from ..errors import BadModelFile, UnsupportedLayer
from ..fixed import FLOAT_TYPES
from . import layers as _schemas  # noqa: F401  (importing it fills the register)
from . import limits
from .graph import AnyQuantizer, Call, Layer, Port
from .hdf5 import WeightFile
from .options import Options, is_whole, plain_list
from .quantizers import quantizer, read_options
from .schema import Part, Plan, Shape, Site, check_same_needs, schema_of
from .topology import Entry, Model, Node, Reference
from .untrusted import place, value_shown


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

    def call(self, entry: Entry, node: Node, inputs: tuple[int, ...]) -> list[int]:
        """Record one use of a layer; gives its output tensors."""
        where = self._where(entry)
        shapes = [self.shapes[tensor] for tensor in inputs]
        dtypes = [reference.dtype for reference in node.inputs]
        site = Site(Options(entry.config, where), shapes, node.arguments, node.keywords, dtypes)
        plan = self._plan(entry, site)
        layer = self._layer(entry, plan, where)
        outputs = [self._tensor(shape, entry) for shape in (plan.output, *plan.further_outputs)]
        self.calls.append(Call(layer, inputs, tuple(outputs), plan.arguments))
        return outputs

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
        kind = _type_of_operation if entry.package == "ops" else _float_type
        plan = replace(schema(site), float_type=kind(site))
        site.refuse_leftovers()
        return plan

    def _layer(self, entry: Entry, plan: Plan, where: str) -> Layer:
        """The record of a layer: read at its first use, checked again at each further one."""
        known = self._known.get(id(entry))
        if known is None:
            stored = _Stored(entry.name, entry.class_name, entry.stored_at)
            known = _Known(self._read(stored, plan, where), plan)
            self._known[id(entry)] = known
        else:
            check_same_needs(known.plan, plan, where)
            _check_formats_fit(known.layer, plan, where)
        if _options(plan) == _options(known.plan):
            return known.layer
        return _with_options_of(known.layer, plan)

    def _read(self, stored: _Stored, plan: Plan, where: str) -> Layer:
        """The record of a layer and of all layers inside it."""
        arrays = {}
        if plan.variables:
            arrays = self._weights.read(f"{stored.at}/vars", plan.variables, where)
        ebops = arrays.pop("ebops", None)
        config = dict(plan.config)
        if ebops is not None:
            config["stored_ebops"] = int(ebops)
        kind = plan.float_type
        layer = Layer(
            name=stored.name,
            class_name=plan.class_name or stored.class_name,
            config=config,
            arrays={name: _as_used(values, name, kind, where) for name, values in arrays.items()},
            quantizers=self._quantizers(stored, plan, where),
            parts={
                role: self._read(
                    stored.inside(role, part),
                    replace(part.plan, float_type=kind),
                    f"{where}: {role}",
                )
                for role, part in plan.parts.items()
            },
            float_type=kind,
        )
        if plan.last_check is not None:
            plan.last_check(layer, where)
        return layer

    def _quantizers(
        self, stored: _Stored, plan: Plan, where: str
    ) -> dict[str, tuple[AnyQuantizer, ...]]:
        found: dict[str, tuple[AnyQuantizer, ...]] = {}
        for slot in plan.slots:
            at = f"{where}: {slot.option}"
            options = read_options(slot.raw, slot.default, len(slot.shape), at)
            folder = f"{stored.at}/{slot.folder}/vars"
            widths = self._weights.read(folder, options.variables(slot.shape), at)
            record = quantizer(options, widths, slot.is_data, at, plan.float_type)
            found[slot.place] = (*found.get(slot.place, ()), record)
        return found


@dataclass(frozen=True)
class _Stored:
    """A layer, or a part of one, and the group of the weight file that holds it."""

    name: str
    class_name: str
    at: str

    def inside(self, role: str, part: Part) -> _Stored:
        at = f"{self.at}/{part.folder}" if part.folder else self.at
        return _Stored(f"{self.name}/{role}", part.class_name, at)


def _options(plan: Plan) -> tuple[Any, ...]:
    return dict(plan.config), [_options(part.plan) for part in plan.parts.values()]


def _with_options_of(layer: Layer, plan: Plan) -> Layer:
    """`layer` as this use of it has it: sizes may differ between uses."""
    return replace(
        layer,
        config={**layer.config, **plan.config},
        parts={
            role: _with_options_of(layer.parts[role], part.plan)
            for role, part in plan.parts.items()
        },
    )


def _check_formats_fit(layer: Layer, plan: Plan, where: str) -> None:
    """Refuse a use of a layer whose formats do not fit its tensors: it may be a shared one."""
    taken: Counter[str] = Counter()
    for slot in plan.slots:
        record = layer.quantizers[slot.place][taken[slot.place]]
        taken[slot.place] += 1
        shape = slot.shape[1:] if slot.is_data else slot.shape
        if not _broadcasts_to(record.shape, shape):
            raise BadModelFile(
                f"{where}: the layer's formats, of shape {record.shape}, do not fit its use on "
                f"a tensor of shape {shape}. Save the model again from Keras."
            )
    for role, part in plan.parts.items():
        _check_formats_fit(layer.parts[role], part.plan, f"{where}: {role}")


def _broadcasts_to(shape: Shape, target: Shape) -> bool:
    """Whether numbers of `shape` spread to `target`, which has as many axes."""
    return len(shape) == len(target) and all(
        size in (1, wanted) for size, wanted in zip(shape, target, strict=True)
    )


def _as_used(values: np.ndarray, name: str, float_type: str, where: str) -> np.ndarray:
    """Numbers as the layer computes with them, whatever the file holds."""
    with np.errstate(over="ignore", under="ignore"):
        used: np.ndarray = values.astype(FLOAT_TYPES[float_type])
    if not np.all(np.isfinite(used)):
        raise BadModelFile(
            f"{where}: {name} holds {np.abs(values).max():g}, which is infinite in the "
            f"{float_type} that the layer computes in. Train again or restore an earlier "
            "checkpoint."
        )
    return used


def _float_type(site: Site) -> str:
    """What the layer computes in, by its dtype policy; its quantizers follow it.

    Networks are exact in float32 and float64; a narrower type would round on the way.
    """
    dtype = site.options.raw("dtype", None)
    if isinstance(dtype, Mapping):
        config = dtype.get("config")
        name = config.get("name") if isinstance(config, Mapping) else None
        dtype = name if dtype.get("class_name") == "DTypePolicy" else dtype.get("class_name")
    if dtype is None:
        return "float32"
    if not isinstance(dtype, str) or dtype not in FLOAT_TYPES:
        site.unsupported(
            f"the layer computes in {value_shown(dtype)}, and only float32 and float64 are "
            "reproduced exactly",
            "Build the model with the dtype policy float32.",
        )
    return dtype


def _type_of_operation(site: Site) -> str:
    """An operation has no policy: it computes in the type of its tensors."""
    for dtype in site.dtypes:
        if dtype not in (None, "bool", "int32", "int64", *FLOAT_TYPES):
            site.unsupported(
                f"it computes in {value_shown(dtype)}, in which numbers wrap or round",
                "Cast to float32, or to int32, first.",
            )
    return "float64" if "float64" in site.dtypes else "float32"


def _refuse_class(entry: Entry, site: Site) -> NoReturn:
    """Say why a class is not read, and what to do."""
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
    site.unsupported(
        "this class has no hardware form here",
        "Build the model of classes that docs/layers.md lists.",
    )


_CODE_CLASSES = ("Lambda", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer")
