"""The weights of a model: numbered variables in groups of an HDF5 file.

The file is untrusted. Only paths that the model's layers imply are followed,
along hard links. A dataset is read only when its kind and shape are those that
its layer calls for, so no size of the file is ever allocated unchecked, and
nothing outside the file is opened (external links, external storage, virtual
datasets, filter plugins).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import h5py
import numpy as np

from ..errors import BadModelFile, Hgq2rtlError, TooLarge
from . import limits
from .untrusted import shown

Shape = tuple[int, ...]

_ADVICE = "The file is damaged or was edited; save the model again."


@dataclass(frozen=True)
class Variable:
    """What a layer expects at one position of its variables."""

    name: str
    shape: Shape
    is_read: bool = True
    """A value that means nothing at inference is checked and skipped."""
    may_broadcast: bool = False
    """Whether an axis may be stored with extent 1."""

    def fits(self, shape: Shape) -> bool:
        """Whether a stored `shape` is the one expected."""
        if not self.may_broadcast:
            return shape == self.shape
        return len(shape) == len(self.shape) and all(
            stored in (1, expected) for stored, expected in zip(shape, self.shape, strict=True)
        )


class WeightFile:
    """An opened ``model.weights.h5``, or what `what` says.

    Raises
    ------
    BadModelFile
        If `data` is no HDF5 file.
    """

    def __init__(self, data: bytes, source: str, what: str = "model.weights.h5"):
        self._bytes_left = limits.WEIGHTS_BYTES
        try:
            self._file = h5py.File(h5py.h5f.open_file_image(data))
        except Exception as error:  # a damaged file makes h5py raise nearly anything
            raise BadModelFile(
                f"{source}: {what} is no HDF5 file or is damaged. "
                f"Copy the file again or save the model again."
            ) from error

    def __enter__(self) -> WeightFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, folder: str, variables: Sequence[Variable], where: str) -> dict[str, np.ndarray]:
        """The variables ``0``, ``1``, ... of a group, by name.

        Parameters
        ----------
        folder : str
            Path of the group, ``layers/q_dense/vars``.
        variables : sequence of Variable
            All that the group must hold, in stored order.
        where : str
            The layer, as messages name it.

        Returns
        -------
        dict of name to array, for the variables that are read; finite numbers as stored.

        Raises
        ------
        BadModelFile
            If the group is missing, holds another number of variables, or a variable is of
            another shape, no plain numbers, not finite, or lies outside the file.
        TooLarge
            If an array, or those of all layers together, are beyond any circuit.
        """
        try:
            return self._read(folder, variables, where)
        except Hgq2rtlError:
            raise
        except Exception as error:
            reason = shown(str(error), 100)
            raise BadModelFile(f"{where}: {folder} cannot be read ({reason}). {_ADVICE}") from error

    def _read(
        self, folder: str, variables: Sequence[Variable], where: str
    ) -> dict[str, np.ndarray]:
        found = {}
        paths = self._paths(folder, variables, where)
        for path, variable in zip(paths, variables, strict=True):
            limits.check_tensor(variable.shape, where)
            dataset = self._at(path, h5py.Dataset, where)
            _check_dataset(dataset, variable, path, where)
            if variable.is_read:
                found[variable.name] = self._values(dataset, path, where)
        return found

    def _paths(self, folder: str, variables: Sequence[Variable], where: str) -> list[str]:
        """Where each of the variables lies."""
        stored = len(self._at(folder, h5py.Group, where))
        check_count(stored, variables, folder, where)
        return [f"{folder}/{position}" for position in range(stored)]

    def _at(self, path: str, kind: type, where: str) -> Any:
        """The group or dataset at the end of a path."""
        found: Any = self._file
        parts = path.split("/")
        for depth, part in enumerate(parts, start=1):
            is_last = depth == len(parts)
            found = _follow(
                found, part, kind if is_last else h5py.Group, "/".join(parts[:depth]), where
            )
        return found

    def _values(self, dataset: Any, path: str, where: str) -> np.ndarray:
        self._bytes_left -= prod(dataset.shape) * max(dataset.dtype.itemsize, 4)
        if self._bytes_left < 0:
            raise TooLarge(
                f"{where}: the model's arrays take more than {limits.WEIGHTS_BYTES // limits.MIB} "
                f"MiB, beyond any circuit. Save a smaller model."
            )
        values = dataset[()]
        if not np.all(np.isfinite(values)):
            raise BadModelFile(
                f"{where}: {path} holds NaN or infinity, which no circuit computes with. "
                f"Train again or restore an earlier checkpoint."
            )
        return np.asarray(values)


def check_count(stored: int, variables: Sequence[Variable], folder: str, where: str) -> None:
    """Refuse another number of variables than the layer's options call for."""
    if stored != len(variables):
        raise BadModelFile(
            f"{where}: {folder} holds {stored} variables where the layer's options call "
            f"for {len(variables)} ({', '.join(v.name for v in variables)}). {_ADVICE}"
        )


_NUMBERS = (h5py.h5t.INTEGER, h5py.h5t.FLOAT)


def _follow(group: Any, name: str, kind: type, path: str, where: str) -> Any:
    """The group or dataset `name` of `group`, if a hard link leads to one.

    The link itself is asked: h5py's ``in`` and ``get`` would follow it first.
    """
    links = group.id.links
    key = name.encode()
    if not links.exists(key):
        raise BadModelFile(f"{where}: {path} is missing from the weights. {_ADVICE}")
    if links.get_info(key).type != h5py.h5l.TYPE_HARD:
        raise BadModelFile(
            f"{where}: {path} is a link to another place or file, which is never followed. "
            f"{_ADVICE}"
        )
    found = group[name]
    if not isinstance(found, kind):
        wanted = "group" if kind is h5py.Group else "dataset"
        raise BadModelFile(f"{where}: {path} is no {wanted}. {_ADVICE}")
    return found


def _check_dataset(dataset: Any, variable: Variable, path: str, where: str) -> None:
    """Refuse a dataset by what its header says, before any value is read."""
    plan = dataset.id.get_create_plist()
    kind = dataset.id.get_type()
    problem = None
    if plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count():
        problem = "keeps its values outside the file, where nothing is ever read"
    elif kind.get_class() not in _NUMBERS or kind.get_size() > 8:
        problem = "does not hold plain numbers"
    elif dataset.shape is None or not variable.fits(dataset.shape):
        problem = f"has shape {dataset.shape} where {variable.shape} belongs"
    elif plan.get_nfilters():
        problem = "is compressed inside the HDF5 file, which Keras never does"
    elif dataset.id.get_storage_size() < prod(dataset.shape) * kind.get_size():
        problem = "declares values that are not stored"
    if problem:
        raise BadModelFile(f"{where}: {path} ({variable.name}) {problem}. {_ADVICE}")
