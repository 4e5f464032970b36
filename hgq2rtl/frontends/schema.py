"""The register of layer classes: what each may say and what it must store.

A layer class is one function, registered with :func:`reads`: from the layer's
options and the shapes that it meets to a :class:`Plan`. The function checks
every option, so a plan is sound; it reads and allocates nothing. One reader
(:mod:`.records`) carries out the plans of all classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import numpy as np

from ..errors import BadModelFile, UnsupportedLayer
from .graph import Layer
from .hdf5 import Variable
from .options import Options, is_number
from .topology import Tensor
from .untrusted import shown, value_shown

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Slot:
    """A place of a layer where a quantizer may sit."""

    place: str
    """``input``, ``kernel``, ``bias`` or ``output``: the record's key."""
    default: str
    """The package's name of the place, which decides the defaults."""
    raw: Any
    """The configuration object, unread."""
    option: str
    """Where it stands, for messages."""
    folder: str
    """Where its variables lie, below the layer."""
    shape: Shape
    """Of the quantized tensor; for data with a batch axis of 1 in front."""

    @property
    def is_data(self) -> bool:
        return self.default in ("datalane", "table")


@dataclass(frozen=True)
class Part:
    """A layer inside a layer, such as a projection of an attention."""

    class_name: str
    folder: str
    """Where its variables lie, below the outer layer."""
    plan: Plan


@dataclass(frozen=True)
class Plan:
    """What one use of a layer means, and what the file must store for it."""

    output: Shape
    """Of the tensor that comes out, or of the first one."""
    config: Mapping[str, Any] = field(default_factory=dict)
    variables: tuple[Variable, ...] = ()
    """All of the layer's own variables, in stored order."""
    slots: tuple[Slot, ...] = ()
    parts: Mapping[str, Part] = field(default_factory=dict)
    """By role, which is the record's key."""
    further_outputs: tuple[Shape, ...] = ()
    """Of a layer that gives several tensors."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    float_type: str = "float32"
    """What the layer and all in it compute in; the reader sets it."""
    class_name: str | None = None
    """The record's class, where a class is another spelling of a simpler one."""
    last_check: Callable[[Layer, str], None] | None = None
    """Looks at the finished record: what options alone cannot tell."""


Operand = int | np.ndarray
"""What an operation works on: an input, by position, or a constant."""


class Site:
    """A layer in a use: what a schema function looks at."""

    def __init__(
        self,
        options: Options,
        shapes: Sequence[Shape],
        arguments: Sequence[Any] = (),
        keywords: Mapping[str, Any] | None = None,
        dtypes: Sequence[Any] = (),
    ):
        self.options = options
        self.shapes = tuple(shapes)
        """Of the input tensors, without batch axis."""
        self.dtypes = tuple(dtypes)
        """Of the input tensors, as the file declares them; None where it does not."""
        self._arguments = tuple(arguments)
        self._keywords = keywords or {}
        self._asked: set[int | str] = {0}

    @property
    def where(self) -> str:
        return self.options.where

    @property
    def shape(self) -> Shape:
        """Shape of the only input."""
        if len(self.shapes) != 1:
            self.options.bad(f"the layer has {len(self.shapes)} inputs where it takes one")
        return self.shapes[0]

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """An argument of the call, positional or by name; :class:`Tensor` for an input."""
        if position < len(self._arguments):
            self._asked.add(position)
            return self._arguments[position]
        self._asked.add(name)
        return self._keywords.get(name, default)

    def operand(self, position: int, name: str) -> Operand:
        """An argument that is an input tensor or a constant.

        Returns
        -------
        The position of the input among `shapes`, or the constant as an array in the type
        that the framework computes in.
        """
        return self.as_operand(self.argument(position, name), name)

    def as_operand(self, value: Any, name: str) -> Operand:
        """`value`, which is the argument `name` or part of it, as :meth:`operand` gives it."""
        if isinstance(value, Tensor):
            return value.input
        if value is None:
            self.options.bad(f"its argument {name!r} is missing")
        return self._constant(value, name)

    def _constant(self, value: Any, name: str) -> np.ndarray:
        if isinstance(value, bool):
            return np.array(value)
        kind = np.float64 if "float64" in self.dtypes else np.float32
        if is_number(value):
            return np.array(value, kind)
        if isinstance(value, np.ndarray):
            return value
        if isinstance(value, list) and value and all(map(is_number, value)):
            return np.array(value, kind)
        self.unsupported(
            f"its argument {name!r} is {value_shown(value)}, which is no tensor and no constant",
            "Use tensors of the model, numbers and NumPy arrays.",
        )

    def operands(self, *names: str) -> tuple[Operand, ...]:
        """The arguments of an operation, in the order of `names`."""
        return tuple(self.operand(n, name) for n, name in enumerate(names))

    def without_batch(self, operand: Operand) -> Shape:
        """Shape of an operand behind the batch: all samples share a constant."""
        if isinstance(operand, int):
            return self.shapes[operand]
        return operand.shape

    def part(
        self,
        class_name: str,
        options: Mapping[str, Any],
        shapes: Sequence[Shape],
        folder: str,
        package: str = "hgq",
    ) -> Part:
        """A layer inside this one: its own schema reads its options."""
        inside = Site(Options(options, self.where), shapes, (None,))
        schema = schema_of(package, class_name)
        if schema is None:
            self.unsupported(
                f"it holds a layer of class {shown(class_name)}, which is not read",
                "Build the model without it.",
            )
        plan = schema(inside)
        inside.refuse_leftovers()
        return Part(class_name, folder, plan)

    def refuse_leftovers(self) -> None:
        """Refuse options and arguments that no one asked for."""
        if any(n not in self._asked for n in range(len(self._arguments))):
            self.unsupported(
                "the layer is called with more than its inputs", "Call it with its inputs only."
            )
        for key, value in self._keywords.items():
            is_empty = value is None or value is False or _is_empty_mask(value)
            if key not in self._asked and not is_empty:
                self.unsupported(
                    f"the layer is called with {value_shown(key)} = {value_shown(value)}, which "
                    f"has no hardware form here",
                    "Call it with its inputs only.",
                )
        self.options.refuse_leftovers()

    def unsupported(self, why: str, advice: str) -> NoReturn:
        """Refuse what has no hardware form here, and say what to do instead."""
        raise UnsupportedLayer(f"{self.where}: {why}. {advice}")


def _is_empty_mask(value: Any) -> bool:
    """Masks of a call with several inputs: a list of nothing."""
    return isinstance(value, list) and all(item is None for item in value)


Schema = Callable[[Site], Plan]
S = TypeVar("S", bound=Schema)

_SCHEMAS: dict[tuple[str, str], Schema] = {}


def reads(*class_names: str, package: str = "hgq") -> Callable[[S], S]:
    """Register a schema function for layer classes of a package.

    Parameters
    ----------
    class_names : str
        Without prefix: ``QDense``.
    package : {'hgq', 'keras', 'ops'}
        Keras layers and Keras operations share names (``Concatenate``), so they are apart.
    """

    def register(schema: S) -> S:
        for name in class_names:
            if (package, name) in _SCHEMAS:
                raise ValueError(f"{package} class {name} has two schemas")
            _SCHEMAS[package, name] = schema
        return schema

    return register


def schema_of(package: str, class_name: str) -> Schema | None:
    """The schema function of a class, if there is one."""
    return _SCHEMAS.get((package, class_name))


def input_slots(site: Site) -> tuple[Slot, ...]:
    """Input quantizers of a layer: ``iq_conf`` for one input, ``iq_confs`` for several."""
    confs, raw = _input_configurations(site), site.options.raw("iq_conf", None)
    if not site.options.boolean("enable_iq", default=True):
        return ()
    if confs is None:
        return (_data_slot("input", raw, "iq_conf", "iq/quantizer", site.shape),)
    return tuple(
        _data_slot(
            "input",
            conf,
            f"iq_confs[{n}]",
            f"iq/quantizers/quantizer{f'_{n}' if n else ''}/quantizer",
            shape,
        )
        for n, (conf, shape) in enumerate(zip(confs, site.shapes, strict=True))
    )


def _input_configurations(site: Site) -> list[Any] | None:
    """``iq_confs``, one for each input; None where the layer has ``iq_conf``."""
    nothing = object()
    raw = site.options.raw("iq_confs", nothing)
    if raw is nothing:
        return None
    confs = raw if isinstance(raw, list) else [raw] * len(site.shapes)
    if len(confs) != len(site.shapes):
        site.options.bad(
            f"iq_confs holds {len(confs)} configurations for {len(site.shapes)} inputs"
        )
    return confs


def weight_slot(site: Site, place: str, shape: Shape) -> Slot:
    """The quantizer of a kernel or bias."""
    letter = place[0]
    return Slot(
        place=place,
        default={"kernel": "weight", "bias": "bias"}[place],
        raw=site.options.raw(f"{letter}q_conf", None),
        option=f"{letter}q_conf",
        folder=f"{letter}q/quantizer",
        shape=shape,
    )


def output_slots(site: Site, shape: Shape) -> tuple[Slot, ...]:
    """The output quantizer of a layer, if it has one."""
    raw = site.options.raw("oq_conf", None)
    if not site.options.boolean("enable_oq", default=False):
        return ()
    return (_data_slot("output", raw, "oq_conf", "oq/quantizer", shape),)


def ebops_variables(site: Site) -> tuple[Variable, ...]:
    """The weight of the EBOPs in the training loss, and the EBOPs as last counted."""
    if not site.options.boolean("enable_ebops", default=True):
        return ()
    return (Variable("ebops_beta", (), is_read=False), Variable("ebops", ()))


def activation(site: Site, option: str = "activation") -> str:
    """``relu`` or ``linear``: what a layer with weights may end in."""
    value = site.options.raw(option, "linear")
    if isinstance(value, Mapping) and value.get("class_name") == "function":
        value = value.get("config")  # a function that the layer keeps as an object
    for known in ("relu", "linear"):
        if value == known or (value is None and known == "linear"):
            return known
    name = value.get("class_name") if isinstance(value, Mapping) else value
    site.unsupported(
        f"activation {value_shown(name)} has no integer form",
        "Use relu or linear, or put a QUnaryFunctionLUT after the layer.",
    )


def _data_slot(place: str, raw: Any, option: str, folder: str, shape: Shape) -> Slot:
    return Slot(place, "datalane", raw, option, folder, (1, *shape))


def check_same_needs(first: Plan, again: Plan, where: str) -> None:
    """Refuse a shared layer that would need other weights or quantizers for its second use."""
    if _needs(first) != _needs(again):
        raise BadModelFile(
            f"{where}: the layer is used on inputs that call for other weights or quantizers than "
            f"its first ones. Save the model again from Keras."
        )


def _needs(plan: Plan) -> tuple[Any, ...]:
    parts = tuple((role, part.folder, _needs(part.plan)) for role, part in plan.parts.items())
    return plan.variables, [slot.folder for slot in plan.slots], parts
