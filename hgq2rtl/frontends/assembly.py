"""From a model's configuration and weights to its LayerGraph, whatever file they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from .flatten import Flattener
from .graph import LayerGraph, Port
from .hdf5 import WeightFile
from .hgq1 import plain_graph
from .keras2 import modernized
from .records import GraphBuilder
from .topology import Model, read_model


def assemble(
    config: Any, weights: Callable[[Model], WeightFile], source: str, origin: str
) -> LayerGraph:
    """The LayerGraph of a model.

    Parameters
    ----------
    config : JSON value
        The model's description, in the form of Keras 2 or 3.
    weights : callable
        Takes the structure that was found there; gives the opened weights.
    source, origin : str
        The file and what wrote it, for messages and reports.

    Raises
    ------
    BadModelFile, UnsupportedLayer, TooLarge
        As :func:`hgq2rtl.frontends.read` says.
    """
    model = read_model(modernized(config), source)
    with weights(model) as opened:
        builder = GraphBuilder(opened, source)
        inputs = builder.inputs(model)
        flattener = Flattener(source, builder.call, builder.check_declared)
        outputs = flattener.run(model, [port.tensor for port in inputs])
    graph = LayerGraph(
        name=model.name,
        source=source,
        origin=origin,
        inputs=inputs,
        calls=builder.calls,
        outputs=_output_ports(model, outputs),
        shapes=builder.shapes,
    )
    return plain_graph(graph)


def _output_ports(model: Model, tensors: Iterable[int]) -> list[Port]:
    """Outputs have the name of their layer; a second one gets a number."""
    names = [reference.layer for reference in model.outputs]
    taken, used = set(names), Counter[str]()
    ports = []
    for name, tensor in zip(names, tensors, strict=True):
        own = name
        while used[name] and own in taken:
            own = f"{name}_{used[name]}"
            used[name] += 1
        used[name] += 1
        taken.add(own)
        ports.append(Port(own, tensor))
    return ports
