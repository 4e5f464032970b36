"""Models saved as ``.keras`` archives: from an archive to a LayerGraph.

:mod:`.archive` and :mod:`.strict_json` give the parts of the file, :mod:`.assembly` puts
them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import BadModelFile
from . import strict_json
from .archive import Archive, read_archive
from .assembly import assemble
from .graph import LayerGraph
from .hdf5 import WeightFile
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
    return assemble(
        strict_json.parse(archive.config, f"{source}: config.json"),
        lambda _: WeightFile(archive.weights, source),
        source,
        _origin(archive.metadata, source),
    )


def _origin(metadata: bytes, source: str) -> str:
    """What wrote the file; a file without a word about it is as good."""
    found = strict_json.parse(metadata, f"{source}: metadata.json") if metadata else {}
    version = found.get("keras_version") if isinstance(found, Mapping) else None
    if not isinstance(version, str):
        return "HGQ2 archive"
    package = "HGQ v1" if version.startswith("2.") else "HGQ2"
    return f"{package} archive (Keras {shown(version)})"
