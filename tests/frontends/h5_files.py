"""Whole models as Keras 2 and HGQ v1 write them into one HDF5 file, made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Weights = Mapping[str, Sequence[tuple[str, Any]]]
"""Layer to its variables, by name and in order."""


def keras2_layer(class_name: str, name: str, *sources: str, **options: Any) -> dict[str, Any]:
    """A layer of a Functional model, called once on the first outputs of `sources`."""
    return {
        "class_name": class_name,
        "config": {"name": name, "trainable": True, "dtype": "float32", **options},
        "name": name,
        "inbound_nodes": [[[source, 0, 0, {}] for source in sources]] if sources else [],
    }


def keras2_input(name: str, *shape: int) -> dict[str, Any]:
    options = {"batch_input_shape": [None, *shape], "sparse": False, "ragged": False}
    return keras2_layer("InputLayer", name, **options)


def keras2_model(*layers: dict[str, Any], outputs: Sequence[str] = ()) -> dict[str, Any]:
    """A Functional model; its last layer is the output where none is named."""
    inputs = [layer["name"] for layer in layers if layer["class_name"] == "InputLayer"]
    return {
        "class_name": "Functional",
        "config": {
            "name": "model",
            "trainable": True,
            "layers": list(layers),
            "input_layers": [[name, 0, 0] for name in inputs],
            "output_layers": [[name, 0, 0] for name in outputs or [layers[-1]["name"]]],
        },
    }


def write_h5(
    path: Path, config: Any, weights: Weights, change: Callable[[h5py.File], None] | None = None
) -> Path:
    """The file; `config` is JSON or its text, `change` may break the file before it is closed."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = config if isinstance(config, str) else json.dumps(config)
        file.attrs["keras_version"] = "2.15.0"
        for layer, variables in weights.items():
            group = file.require_group(f"model_weights/{layer}")
            group.attrs["weight_names"] = [name for name, _ in variables]
            for name, value in variables:
                group[name] = value
        if change is not None:
            change(file)
    return path


def formats(*kbi: tuple[int, int, int]) -> list[tuple[str, Any]]:
    """The variables of a FixedPointQuantizer with a format an element."""
    k, b, i = np.array(kbi, np.int8).T[:, None]
    return [("keep_negative:0", k), ("bits:0", b), ("integers:0", i)]


def quantizer_options(count: int, rounding: str = "TRN", overflow: str = "WRAP") -> dict[str, Any]:
    """The options of a FixedPointQuantizer with `count` formats."""
    return {
        "RND": rounding,
        "SAT": overflow,
        "shape": [1, count],
        "overrides": {"layers": {}},
        "fusible": False,
    }
