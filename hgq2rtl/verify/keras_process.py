"""``python -m hgq2rtl.verify.keras_process MODEL INPUTS.npz OUTPUTS.npz``

Loads a model with Keras and hgq2 and writes its predictions. Nothing else of
hgq2rtl imports a framework, and nothing of hgq2rtl imports this.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

NOT_INSTALLED = 77


def main(model: str, inputs: str, outputs: str) -> None:
    """Predict; exit with NOT_INSTALLED where a package is missing."""
    try:
        import hgq  # noqa: F401  registers its layers
        import keras
    except ImportError as problem:
        print(problem, file=sys.stderr)
        sys.exit(NOT_INSTALLED)
    known = {**_earlier_names(keras), **_ignored(model)}
    loaded = keras.models.load_model(model, custom_objects=known, compile=False)
    with np.load(inputs) as given:
        arrays = [
            given[name].astype(tensor.dtype)
            for name, tensor in zip(given.files, loaded.inputs, strict=True)
        ]
    made = loaded.predict(arrays if len(arrays) > 1 else arrays[0], batch_size=4096, verbose=0)
    made = list(made.values()) if isinstance(made, dict) else made
    np.savez(outputs, *(made if isinstance(made, (list, tuple)) else [made]))


def _earlier_names(keras: Any) -> dict[str, type]:
    """hgq2's classes under the package name that earlier versions registered them with."""
    found = keras.saving.get_custom_objects()
    return {name.replace("hgq>", "hgq2>"): each for name, each in found.items()}


class _Ignored:
    """Stands for a constraint or regularizer of the model's author: nothing at inference."""

    def __init__(self, *_: Any, **__: Any):
        pass

    def __call__(self, x: Any) -> Any:
        return x

    @classmethod
    def from_config(cls, config: Any) -> _Ignored:
        return cls()


def _ignored(model: str) -> dict[str, type]:
    """Stand-ins for classes that only training needs, under all names that they may have."""
    if not zipfile.is_zipfile(model):
        return {}
    with zipfile.ZipFile(model) as archive:
        config = json.loads(archive.read("config.json"))
    return {name: _Ignored for name in _training_classes(config)}


def _training_classes(config: Any) -> Iterator[str]:
    pending = [("", config)]
    while pending:
        key, value = pending.pop()
        if isinstance(value, list):
            pending += [(key, item) for item in value]
        elif isinstance(value, dict):
            module = str(value.get("module") or "")
            is_known = module.split(".")[0] in ("keras", "hgq", "builtins")
            if key.endswith(_TRAINING_ENDINGS) and "class_name" in value and not is_known:
                yield from {value["class_name"], value.get("registered_name")} - {None}
            pending += value.items()


_TRAINING_ENDINGS = ("_constraint", "_regularizer", "bc", "ic", "fc", "br", "ir", "fr")


if __name__ == "__main__":
    main(*sys.argv[1:])
