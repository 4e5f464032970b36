"""Live Keras models: read through their own saved form.

So a file and a live model give the same graph, and no framework is imported
here: the model brings its own.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from ..errors import BadModelFile, UnsupportedFormat
from .graph import LayerGraph
from .hgq2 import read_keras
from .untrusted import shown


def from_model(model: Any) -> LayerGraph:
    """The LayerGraph of a live Keras model.

    Parameters
    ----------
    model : keras.Model
        A built Functional or Sequential model; it is saved to a temporary folder by its own
        ``save``.

    Raises
    ------
    UnsupportedFormat
        If `model` is no Keras model.
    BadModelFile
        If Keras cannot save the model.

    and what :func:`hgq2rtl.frontends.read` raises.
    """
    save = getattr(model, "save", None)
    if not callable(save) or not isinstance(getattr(model, "name", None), str):
        raise UnsupportedFormat(
            f"an object of type {type(model).__name__} is no Keras model. "
            f"Give a built Functional or Sequential model, or the path of a model file."
        )
    source = f"{type(model).__name__} {shown(model.name)!r}"
    with tempfile.TemporaryDirectory(prefix="hgq2rtl-") as folder:
        path = Path(folder) / "model.keras"
        try:
            save(path)
        except Exception as error:
            raise BadModelFile(
                f"{source}: Keras cannot save the model, and it is read through its saved form "
                f"({shown(str(error), 200)}). Build it, and make sure that model.save works."
            ) from error
        return read_keras(path, source)
