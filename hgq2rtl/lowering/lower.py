"""Walk the calls of a LayerGraph, each through its handler, into one Program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import BadModelFile, Hgq2rtlError, NeedsInputFormat, UnsupportedLayer
from ..fixed import OVERFLOWS, Format, limits
from ..frontends.graph import LayerGraph
from ..ir import Builder, Field, LayerName, Program, ProgramPort
from .fixed_array import FixedArray, Tracer
from .handlers import HANDLERS, Handler
from .layer import LoweringLayer


@dataclass(frozen=True)
class FormatWish:
    """A format that the user fixes for a port: ``k,i,f[,rounding[,overflow]]``.

    Rounding and overflow serve outputs; an input port takes only numbers that fit.
    """

    k: int
    i: int
    f: int
    rounding: str = "TRN"
    overflow: str = "WRAP"


def lower(
    graph: LayerGraph,
    input_formats: Mapping[str, FormatWish] | None = None,
    output_formats: Mapping[str, FormatWish] | None = None,
) -> Program:
    """Lower a whole model.

    Parameters
    ----------
    graph : LayerGraph
    input_formats, output_formats : by port name
        Formats that the user fixes. Without one an input has the formats of
        the quantizers that read it, an output that of its accumulator.

    Raises
    ------
    NeedsInputFormat
        If arithmetic or an output meets an input that nothing quantizes.
    UnsupportedLayer, NotExact, BadModelFile
        From a layer's handler, naming the layer.
    """
    return _Lowering(graph, input_formats or {}, output_formats or {}).program()


class _Lowering:
    def __init__(
        self,
        graph: LayerGraph,
        input_formats: Mapping[str, FormatWish],
        output_formats: Mapping[str, FormatWish],
    ):
        self.graph = graph
        self.input_formats = input_formats
        self.output_formats = output_formats
        self.builder = Builder(layers=[LayerName("inputs", "InputLayer")])
        self.tracer = Tracer(self.builder, self._quantize_raw)
        self.fields: list[list[Field]] = [[] for _ in graph.inputs]
        self.known: dict[tuple[int, Field], int] = {}
        sizes = [int(np.prod(graph.shapes[port.tensor], dtype=np.int64)) for port in graph.inputs]
        self.offsets = np.concatenate([[0], np.cumsum(sizes)]).tolist()

    def program(self) -> Program:
        tensors = {
            port.tensor: self._input(n, self.graph.shapes[port.tensor])
            for n, port in enumerate(self.graph.inputs)
        }
        for call in self.graph.calls:
            where = self.tracer.where = self.graph.where(call.layer)
            self.builder.at = (len(self.builder.layers), -1)
            self.builder.layers.append(LayerName(call.layer.name, call.layer.class_name))
            handler = HANDLERS.get(call.layer.class_name)
            if handler is None:
                raise UnsupportedLayer(
                    f"{where}: this layer has no lowering. docs/layers.md lists those that have."
                )
            inputs = [tensors[t] for t in call.inputs]
            tensors[call.outputs[0]] = self._call(handler, LoweringLayer(call, where), inputs)
        for port in self.graph.outputs:
            self._output(port.name, tensors[port.tensor])
        return self._build()

    def _call(self, handler: Handler, layer: LoweringLayer, inputs: list[FixedArray]) -> FixedArray:
        try:
            return handler(layer, *inputs)
        except Hgq2rtlError as error:
            if str(error).startswith(layer.where):
                raise
            raise type(error)(f"{layer.where}: {error}") from None
        except (ValueError, IndexError) as problem:
            raise BadModelFile(f"{layer.where}: shapes do not fit: {problem}") from None

    # -- inputs ------------------------------------------------------------

    def _input(self, port: int, shape: tuple[int, ...]) -> FixedArray:
        """Raw elements, or wires of the format that the user fixed."""
        first, count = self.offsets[port], self.offsets[port + 1] - self.offsets[port]
        wish = self.input_formats.get(self.graph.inputs[port].name)
        if wish is None:
            return FixedArray(self.tracer, -1 - first - np.arange(count).reshape(shape))
        format = Format.from_kif(wish.k, wish.i, wish.f)
        self.builder.at = (0, -1)
        wires = [self._field(port, Field(n, format)) for n in range(count)]
        return FixedArray(self.tracer, np.array(wires, np.int64).reshape(shape))

    def _quantize_raw(
        self, raw: int, kif: tuple[int, int, int], rounding: str, overflow: str, scaler: float
    ) -> int:
        """The input wire that holds raw element `raw` in this format."""
        port = int(np.searchsorted(self.offsets, -1 - raw, side="right")) - 1
        format = _port_format(kif, overflow)
        element = -1 - raw - self.offsets[port]
        sign = bool(kif[0]) if overflow == "WRAP_SM" and format.width else None
        field = Field(element, format, rounding, overflow, scaler, sign)
        return self._field(port, field)

    def _field(self, port: int, field: Field) -> int:
        key = (port, field)
        if key not in self.known:
            self.fields[port].append(field)
            number, at = len(self.fields[port]) - 1, self.builder.at
            self.builder.at = (0, field.element)
            self.known[key] = self._wire(port, number, field.format)
            self.builder.at = at
        return self.known[key]

    def _wire(self, port: int, number: int, format: Format) -> int:
        if format.width == 0:
            return self.builder.const(0, format.exponent)
        from ..ir.operations import input_

        return self.builder.value(
            input_,
            attributes={"port": port, "field": number},
            interval=(format.lo, format.hi),
            exponent=format.exponent,
        )

    # -- outputs -----------------------------------------------------------

    def _output(self, name: str, array: FixedArray) -> None:
        self.builder.at = (len(self.builder.layers), -1)
        self.builder.layers.append(LayerName("outputs", "Output"))
        if np.any(array.wires < 0):
            raise NeedsInputFormat(
                f"output {name!r} of {self.graph.source} is a model input that nothing quantizes. "
                "Give the input a format with --input-format k,i,f."
            )
        wish = self.output_formats.get(name)
        if wish is not None:
            k, i, f = (np.array(n) for n in (wish.k, wish.i, wish.f))
            array = array.quantize(k, i, f, wish.rounding, wish.overflow)
        wires = array.wires.reshape(-1).tolist()
        self.builder.add_output_port(name, array.shape, wires)

    def _build(self) -> Program:
        self.builder.inputs = [
            ProgramPort(port.name, tuple(self.graph.shapes[port.tensor]), tuple(fields))
            for port, fields in zip(self.graph.inputs, self.fields, strict=True)
        ]
        return self.builder.build()


def _port_format(kif: tuple[int, int, int], overflow: str) -> Format:
    """Every number that the field's bits hold: the outside world may drive any of them."""
    k, i, f = kif
    lo, hi = limits(k, i + f, overflow if overflow in OVERFLOWS else "WRAP")
    return Format(lo, hi, -f).container
