"""The Python face: ``compile``, ``trace``, ``load`` and ``info``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from . import verify
from .build import BuildOptions, Progress, build
from .bundle import read_bundle
from .design import Design, as_list
from .frontends import LayerGraph, from_model, read
from .lowering import FormatWish, lower, trace_function
from .lowering.ebops import ebops, stored_ebops
from .lowering.layer import UserFunctions
from .lowering.lower import ArrayFunction
from .lowering.wishes import parse_wishes
from .model_file import file_hash, top_name
from .report import info_report

Wishes = Mapping[str, str | Sequence[int] | FormatWish] | str | Sequence[int] | None


def compile(
    model: str | os.PathLike[str] | Any,
    *,
    input_format: Wishes = None,
    output_format: Wishes = None,
    functions: UserFunctions | None = None,
    after: ArrayFunction | None = None,
    progress: Progress = lambda step: None,
    command: Sequence[str] = (),
    **options: Unpack[BuildOptions],
) -> Design:
    """Compile a model file or a live Keras model to Verilog.

    Parameters
    ----------
    model : path or Keras model
    input_format, output_format : ``"k,i,f"``, (k, i, f), or a mapping from port name to these
        Fix the format of ports. Outputs take ``"k,i,f,rounding,overflow"`` too.
    functions : from ``"package>name"`` to a function of float arrays
        What functions that the model's author registered compute; they become tables.
    after : function of :class:`FixedArray`
        Logic of your own behind the model: takes its outputs, gives the design's (one, a tuple,
        or a dict from port name). Written with NumPy names; see docs/functions.md.
    progress : called with the name of each step
    options : see :class:`~hgq2rtl.build.BuildOptions`
        Clock or stages, part, names, registers, control ports, multipliers.

    Raises
    ------
    BadModelFile, UnsupportedFormat, UnsupportedLayer, NotExact, NeedsInputFormat, TooLarge
        If the model cannot be compiled.
    BadOption, ClockTooFast
        If the options cannot be met.
    """
    progress("reading the model")
    graph = _read(model)
    progress("lowering to integers")
    outputs = None if after is not None else [port.name for port in graph.outputs]
    lowered = lower(
        graph,
        parse_wishes(input_format, [port.name for port in graph.inputs], "input"),
        parse_wishes(output_format, outputs, "output"),
        functions,
        after,
    )
    record = {
        "source": graph.source,
        "origin": graph.origin,
        "sha256": file_hash(model),
        "stored_ebops": stored_ebops(graph),
        "functions": sorted(functions or {}),
        "after": getattr(after, "__name__", None) if after is not None else None,
    }
    # Layer 0 of the Program is its inputs; calls follow in order.
    counted = dict(enumerate(ebops(graph), 1))
    return build(
        lowered, top_name(model, graph), record, counted, graph, progress, command, **options
    )


def trace(
    function: ArrayFunction,
    inputs: Any,
    *,
    output_format: Wishes = None,
    progress: Progress = lambda step: None,
    command: Sequence[str] = (),
    **options: Unpack[BuildOptions],
) -> Design:
    """Compile a function of arrays: integer logic without a model.

    Parameters
    ----------
    function : takes one :class:`FixedArray` per input; gives one, a tuple, or a dict by port name
        Written with NumPy names; it runs once. See docs/functions.md.
    inputs : by the name of the function's parameter, or in order
        Each the format of an input: ``"k,i,f"`` or (k, i, f) for a single number, arrays
        (k, i, f) for a tensor with a format per element, or ``Input(format, shape)``.
    output_format, progress, options : as for :func:`compile`

    Raises
    ------
    BadOption
        If inputs do not fit the function, or options cannot be met.
    NotExact, TooLarge
        If an output has no exact value, or a table is beyond any memory.
    """
    progress("tracing the function")
    name = getattr(function, "__name__", "function").strip("<>")
    lowered = trace_function(function, inputs, parse_wishes(output_format, None, "output"))
    record = {"source": name, "origin": "Python function", "sha256": None}
    return build(lowered, name, record, {}, None, progress, command, **options)


def load(path: str | os.PathLike[str]) -> Design:
    """The Design of an output folder, from its own files; the model is not needed.

    Its ``graph`` is None. Simulation uses the folder's Verilog as it is.
    """
    bundle = read_bundle(Path(path))
    return Design(bundle.program, bundle.schedule, bundle.rtl, bundle.report, bundle.lowered)


def info(
    model: str | os.PathLike[str] | Any,
    data: Any = None,
    input_format: Wishes = None,
    functions: UserFunctions | None = None,
) -> dict[str, Any]:
    """Layers, formats, EBOPs and pruned share of a model, without compiling it.

    With `data` (floats as ``predict`` takes them) also how often each
    quantizer wraps or saturates, under ``overflow``.
    """
    graph = _read(model)
    report = info_report(graph)
    if data is not None:
        names = [port.name for port in graph.inputs]
        lowered = lower(graph, parse_wishes(input_format, names, "input"), None, functions)
        shares = verify.overflow_shares(lowered, as_list(data, lowered))
        report["overflow"] = [vars(share) for share in shares]
    return report


def _read(model: Any) -> LayerGraph:
    if isinstance(model, (str, os.PathLike)):
        return read(model)
    return from_model(model)
