"""Models saved as one HDF5 file (``.h5``), which HGQ v1 and Keras 2 write.

The root holds the configuration as a text attribute, ``model_config``; the group
``model_weights`` holds a group a layer, whose attribute ``weight_names`` lists its datasets.
The file is untrusted: see :mod:`.hdf5`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import BadModelFile, TooLarge, UnsupportedLayer
from . import limits, strict_json
from .assembly import assemble
from .graph import LayerGraph
from .hdf5 import Variable, WeightFile, check_count
from .topology import Model
from .untrusted import shown

WEIGHTS = "model_weights"

_ADVICE = "The file is damaged or was edited; save the model again."


def read_h5(path: Path, source: str) -> LayerGraph:
    """The LayerGraph of a ``.h5`` file; `source` names it in messages.

    Raises
    ------
    BadModelFile, UnsupportedLayer, TooLarge
        As :func:`hgq2rtl.frontends.read` says.
    """
    if path.stat().st_size > limits.ARCHIVE_BYTES:
        raise TooLarge(
            f"{source}: the file is larger than {limits.ARCHIVE_BYTES // limits.MIB} MiB, more "
            f"than a network for one circuit needs. Save a smaller model, without its "
            f"optimizer's state."
        )
    try:
        with ModelFile(path.read_bytes(), source) as file:
            return assemble(file.config(), file.of, source, file.origin())
    except RecursionError:
        raise BadModelFile(
            f"{source}: something nests deeper than in any model. Save the model again."
        ) from None


class ModelFile(WeightFile):
    """An opened ``.h5`` file with a whole model.

    Raises
    ------
    BadModelFile
        If `data` is no HDF5 file.
    """

    def __init__(self, data: bytes, source: str):
        super().__init__(data, source, "the file")
        self._source = source
        self._owners: dict[str, tuple[str, str]] = {}
        """By place in the weights: the layer's outermost group, and its own name."""

    def config(self) -> Any:
        """The model's configuration.

        Raises
        ------
        BadModelFile
            If there is none, or it is no strict JSON.
        TooLarge
            If it is larger than that of any model.
        """
        text = self._text("model_config")
        if text is None:
            raise BadModelFile(
                f"{self._source}: the file holds no model_config, so it holds weights without "
                f"their model. Save the whole model with model.save('name.h5')."
            )
        return strict_json.parse(text, f"{self._source}: model_config")

    def origin(self) -> str:
        """What wrote the file."""
        version = self._text("keras_version")
        return (
            f"HGQ v1 file (Keras {shown(version.decode(errors='replace'))})"
            if version
            else "HGQ v1 file"
        )

    def __enter__(self) -> ModelFile:
        return self

    def of(self, model: Model) -> ModelFile:
        """This file, with the weights of `model` found by the names of its layers."""
        self._owners = dict(_owners(model))
        return self

    def _text(self, name: str) -> bytes | None:
        """A text attribute of the file."""
        at = f"{self._source}: the attribute {name}"
        try:
            value = _attribute(self._file, name)
        except Exception as error:  # damage inside the file surfaces as nearly anything
            reason = shown(str(error), 100)
            raise BadModelFile(f"{at} cannot be read ({reason}). {_ADVICE}") from error
        text = value.encode(errors="surrogateescape") if isinstance(value, str) else value
        if not isinstance(text, bytes | None):
            raise BadModelFile(f"{at} is no text. {_ADVICE}")
        if text is not None and len(text) > limits.CONFIG_BYTES:
            raise TooLarge(
                f"{at} is larger than {limits.CONFIG_BYTES // limits.MIB} MiB, more than a "
                f"network for one circuit needs. Save a smaller model."
            )
        return text

    def _paths(self, folder: str, variables: Sequence[Variable], where: str) -> list[str]:
        """By name where the names are those expected, by position otherwise, as Keras does."""
        at = folder.removesuffix("/vars")
        if at not in self._owners:
            raise UnsupportedLayer(
                f"{where}: the layer keeps variables that a .h5 file does not tell apart. "
                f"Save the model with model.save('name.keras')."
            )
        outermost, own = self._owners[at]
        group = f"{WEIGHTS}/{outermost}"
        names = self._weight_names(group, where)
        if own != outermost:
            names = [name for name in names if name.split("/")[0] == own]
        check_count(len(names), variables, f"{group} ({shown(own)})", where)
        by_name = {_variable_name(name): name for name in names}
        wanted = [variable.name for variable in variables]
        if set(by_name) == set(wanted):
            names = [by_name[name] for name in wanted]
        return [f"{group}/{name}" for name in names]

    def _weight_names(self, path: str, where: str) -> list[str]:
        listed = _attribute(self._at(path, h5py.Group, where), "weight_names")
        names = listed.tolist() if isinstance(listed, np.ndarray) else None
        if names is None or not all(isinstance(name, bytes | str) and name for name in names):
            raise BadModelFile(f"{where}: {path} does not list its variables. {_ADVICE}")
        return [name.decode() if isinstance(name, bytes) else name for name in names]


def _owners(model: Model, outermost: str = "") -> Iterator[tuple[str, tuple[str, str]]]:
    """Place in the weights, outermost group and own name of every layer."""
    for own, entry in model.entries.items():
        yield entry.stored_at, (outermost or own, own)
        if entry.model is not None:
            yield from _owners(entry.model, outermost or own)


def _attribute(owner: Any, name: str) -> Any:
    """An attribute's value: str, bytes, or an array of them; None if it is not there."""
    if not h5py.h5a.exists(owner.id, name.encode()):
        return None
    header = h5py.h5a.open(owner.id, name.encode())
    if header.get_type().get_class() != h5py.h5t.STRING:
        raise ValueError("it is no text")
    if header.get_storage_size() > limits.CONFIG_BYTES:
        raise ValueError(f"it takes {header.get_storage_size()} bytes")
    return owner.attrs[name]


def _variable_name(name: str) -> str:
    """``kernel`` of ``dense_1/kernel:0``."""
    return name.rsplit("/", 1)[-1].partition(":")[0]
