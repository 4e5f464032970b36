"""HGQ2 models saved by Keras 3: from an archive to a LayerGraph.

:mod:`.archive` and :mod:`.strict_json` give the parts of the file, :mod:`.topology` reads
who calls whom, :mod:`.flatten` walks it, :mod:`.records` makes the records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import BadModelFile
from . import strict_json
from .archive import Archive, read_archive
from .flatten import Flattener
from .graph import LayerGraph, Port
from .hdf5 import WeightFile
from .records import GraphBuilder
from .topology import Model, read_model
from .untrusted import shown


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
    with WeightFile(archive.weights, source) as weights:
        builder = GraphBuilder(weights, source)
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
