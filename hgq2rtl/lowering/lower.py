"""Walk the calls of a LayerGraph, each through its handler, into one Program."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import (
    BadModelFile,
    BadOption,
    Hgq2rtlError,
    NeedsInputFormat,
    NotExact,
    UnsupportedLayer,
)
from ..fixed import Format
from ..frontends.graph import Call, LayerGraph
from ..ir import Builder, LayerName, Program
from . import layers as _layers  # noqa: F401  (importing it fills the register)
from .fixed_array import FixedArray
from .handlers import HANDLERS, Handler
from .layer import LoweringLayer, UserFunctions
from .ports import InputPort, add_output
from .tracer import Tracer
from .wishes import FormatWish

ArrayFunction = Callable[..., Any]
"""Takes FixedArrays; gives one, a tuple of them, or a mapping from port name to one."""


def lower(
    graph: LayerGraph,
    input_formats: Mapping[str, FormatWish] | None = None,
    output_formats: Mapping[str, FormatWish] | None = None,
    functions: UserFunctions | None = None,
    after: ArrayFunction | None = None,
) -> Program:
    """Lower a whole model.

    Parameters
    ----------
    graph : LayerGraph
    input_formats, output_formats : by port name
        Formats that the user fixes. Without one an input has the formats of
        the quantizers that read it, an output that of its accumulator.
    functions : from ``package>name`` to a function of float arrays
        What registered functions of the model compute.
    after : function of FixedArrays
        The user's own logic behind the model: takes its outputs, gives the Program's.

    Raises
    ------
    NeedsInputFormat
        If arithmetic or an output meets an input that nothing quantizes.
    UnsupportedLayer, NotExact, BadModelFile
        From a layer's handler, naming the layer.
    """
    tracer = Tracer(Builder(layers=[LayerName("inputs", "InputLayer")]))
    wishes = input_formats or {}
    ports, tensors = [], {}
    for number, port in enumerate(graph.inputs):
        made = InputPort(tracer, number, port.name, tuple(graph.shapes[port.tensor]))
        ports.append(made)
        tensors[port.tensor] = opened(made, wishes.get(port.name))
    for call in graph.calls:
        inputs = [tensors[t] for t in call.inputs]
        outputs = _called(tracer, graph, call, inputs, functions)
        tensors.update(zip(call.outputs, outputs, strict=True))
    results = {port.name: tensors[port.tensor] for port in graph.outputs}
    if after is not None:
        results = traced(tracer, after, list(results.values()), list(results))
    try:
        return finished(tracer, ports, results, output_formats or {})
    except (NeedsInputFormat, NotExact) as error:
        raise type(error)(f"{graph.source}: {error}") from None


def opened(port: InputPort, wish: FormatWish | None) -> FixedArray:
    """The array of an input: raw elements, or wires of the format that the user fixed."""
    if wish is None:
        return port.raw()
    format = Format.from_kif(wish.k, wish.i, wish.f)
    return port.fixed([format] * math.prod(port.shape))


def traced(
    tracer: Tracer, function: ArrayFunction, inputs: Sequence[FixedArray], names: Sequence[str]
) -> dict[str, FixedArray]:
    """What a user's function gives, by port name: its own names, else `names`, else numbers.

    Raises
    ------
    BadOption
        If it gives something else than arrays of wires.
    """
    name = getattr(function, "__name__", "function")
    tracer.where, tracer.float_type = f"function {name!r}", "float64"
    tracer.builder.at = (len(tracer.builder.layers), -1)
    tracer.builder.layers.append(LayerName(name, "function"))
    made = function(*inputs)
    if isinstance(made, Mapping):
        results = {str(key): value for key, value in made.items()}
    elif isinstance(made, tuple | list):
        fits = len(made) == len(names)
        results = {names[n] if fits else f"output_{n}": value for n, value in enumerate(made)}
    else:
        results = {names[0] if len(names) == 1 else "output": made}
    if not results or not all(isinstance(value, FixedArray) for value in results.values()):
        kinds = ", ".join(type(value).__name__ for value in results.values()) or "nothing"
        raise BadOption(
            f"function {name!r} gives {kinds}: it must give arrays that it computed from its "
            "inputs, one, a tuple of them, or a dict from port name to array"
        )
    return results


def finished(
    tracer: Tracer,
    ports: Sequence[InputPort],
    results: Mapping[str, FixedArray],
    output_formats: Mapping[str, FormatWish],
) -> Program:
    """The Program, with `results` as its output ports."""
    unknown = [name for name in output_formats if name and name not in results]
    if unknown:
        names = ", ".join(map(repr, results))
        raise BadOption(f"the design has no output {unknown[0]!r}: it has {names}")
    for name, array in results.items():
        add_output(tracer, name, array, output_formats.get(name, output_formats.get("")))
    tracer.builder.inputs = [port.finished() for port in ports]
    return tracer.builder.build()


def _called(
    tracer: Tracer,
    graph: LayerGraph,
    call: Call,
    inputs: Sequence[FixedArray],
    functions: UserFunctions | None,
) -> tuple[FixedArray, ...]:
    layer, where = call.layer, graph.where(call.layer)
    tracer.where, tracer.float_type = where, layer.float_type
    tracer.builder.at = (len(tracer.builder.layers), -1)
    tracer.builder.layers.append(LayerName(layer.name, layer.class_name))
    handler = HANDLERS.get(layer.class_name)
    if handler is None:
        raise UnsupportedLayer(
            f"{where}: this layer has no lowering. docs/layers.md lists those that have."
        )
    made = _handled(handler, LoweringLayer(layer, where, call.arguments, functions), inputs)
    return made if isinstance(made, tuple) else (made,)


def _handled(
    handler: Handler, layer: LoweringLayer, inputs: Sequence[FixedArray]
) -> FixedArray | tuple[FixedArray, ...]:
    try:
        return handler(layer, *inputs)
    except Hgq2rtlError as error:
        if str(error).startswith(layer.where):
            raise
        raise type(error)(f"{layer.where}: {error}") from None
    except (ValueError, IndexError) as problem:
        raise BadModelFile(f"{layer.where}: shapes do not fit: {problem}") from None
