"""From a trained model, in a file or in memory, to a :class:`LayerGraph`.

Takes a path (``.keras`` archives of HGQ2, HGQ v1 and Keras, ``.h5`` files of HGQ v1; other
formats follow) or a live Keras model, gives plain records: layers with checked options,
finite arrays and quantizers, the calls between them, and the shape of every tensor. A model
file is untrusted: names, shapes and sizes are checked before anything is allocated, nothing
of it is imported, run, extracted or followed, and every fault is one message of the
:mod:`hgq2rtl.errors` family.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ..errors import BadModelFile, UnsupportedFormat
from .graph import Call, Layer, LayerGraph, Port, Quantizer
from .hgq2 import read_keras
from .keras_h5 import read_h5
from .live import from_model
from .untrusted import shown

__all__ = ["Call", "Layer", "LayerGraph", "Port", "Quantizer", "from_model", "read"]

_LATER = {
    ".json": "QKeras models",
    ".onnx": "QONNX graphs",
}
_H5 = (".h5", ".hdf5")
_ZIP, _HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"


def read(path: str | PathLike[str]) -> LayerGraph:
    """Read a model file.

    Parameters
    ----------
    path : path
        A model saved by HGQ2 or HGQ v1, in the form ``.keras``, or an HGQ v1 model (trained,
        or its proxy) in the form ``.h5``.

    Raises
    ------
    BadModelFile
        If the file is missing, damaged, contradictory or hostile.
    UnsupportedFormat
        If it is of a kind that is not read (yet).
    UnsupportedLayer, TooLarge
        If the model holds what has no hardware form here, or absurd sizes.
    """
    path = Path(path)
    source = shown(path.name)
    beginning = _beginning(path, source)
    suffix = path.suffix.lower()
    if suffix in _LATER:
        raise UnsupportedFormat(
            f"{source}: {_LATER[suffix]} are not read by this version. "
            f"Give an HGQ2 model saved with model.save('name.keras')."
        )
    if suffix in _H5:
        return read_h5(path, source)
    if suffix != ".keras" and beginning != _ZIP:
        raise UnsupportedFormat(
            f"{source}: this is no kind of model file known here. "
            f"Give an HGQ2 model saved with model.save('name.keras')."
        )
    if not beginning:
        raise BadModelFile(f"{source}: the file is empty. Save the model again.")
    if _HDF5.startswith(beginning):
        raise BadModelFile(
            f"{source}: this is an HDF5 file named .keras. "
            f"Save the model with Keras 3, model.save('name.keras')."
        )
    return read_keras(path, source)


def _beginning(path: Path, source: str) -> bytes:
    """The first bytes of a file that is one."""
    if not path.exists():
        raise BadModelFile(f"{source}: no such file. Check the path: {shown(str(path), 200)}")
    if not path.is_file():
        raise BadModelFile(f"{source}: this is no file but a folder or device. Give a model file.")
    try:
        with path.open("rb") as file:
            return file.read(4)
    except OSError as error:
        raise BadModelFile(
            f"{source}: the file cannot be read ({error.strerror}). Check its permissions."
        ) from error
