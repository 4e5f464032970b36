"""Archives made by hand, as hgq2 and Keras would write them: what the tests read and break."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Weights = dict[str, list[Any]]
"""Folder in the weight file to its numbered variables."""


@dataclass
class Parts:
    """A model's config.json and weights, before they are written."""

    config: Any
    weights: Weights = field(default_factory=dict)

    def layer(self, name: str) -> dict[str, Any]:
        """The description of a layer, to change."""
        return next(x for x in self.config["config"]["layers"] if x["config"].get("name") == name)

    def options(self, name: str) -> dict[str, Any]:
        """The options of a layer, to change."""
        return self.layer(name)["config"]

    def write(self, path: Path, h5: Callable[[h5py.File], None] | None = None) -> Path:
        """Write the archive; `h5` may change the weight file first."""
        return write_zip(
            path,
            {
                "metadata.json": json.dumps({"keras_version": "3.15.1"}).encode(),
                "config.json": json.dumps(self.config).encode(),
                "model.weights.h5": weight_file(self.weights, h5),
            },
        )


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    """A zip of members, stored plainly."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def weight_file(weights: Weights, change: Callable[[h5py.File], None] | None = None) -> bytes:
    """An HDF5 file with numbered variables."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for folder, variables in weights.items():
            group = file.require_group(folder)
            for position, value in enumerate(variables):
                group[str(position)] = value
        if change is not None:
            change(file)
    return buffer.getvalue()


def tensor(layer: str, shape: Sequence[int] | None = None, node: int = 0, index: int = 0) -> Any:
    """A call's argument: an output of a layer."""
    config: dict[str, Any] = {"keras_history": [layer, node, index]}
    if shape is not None:
        config["shape"] = [None, *shape]
    return {"class_name": "__keras_tensor__", "config": config}


def call(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """A use of a layer."""
    return {"args": list(args), "kwargs": kwargs}


def layer(class_name: str, name: str, *calls: Any, package: str = "keras", **options: Any) -> Any:
    """A layer of a Functional model."""
    module, registered = {
        "keras": ("keras.layers", None),
        "hgq": ("hgq.layers", f"hgq>{class_name}"),
        "ops": ("keras.src.ops.numpy", class_name),
    }[package]
    return {
        "module": module,
        "class_name": class_name,
        "registered_name": registered,
        "config": {"name": name, **options},
        "name": name,
        "inbound_nodes": list(calls),
    }


def input_layer(name: str, shape: Sequence[Any]) -> Any:
    return layer("InputLayer", name, batch_shape=[None, *shape])


def functional(layers: Sequence[Any], inputs: Any, outputs: Any, name: str = "model") -> Any:
    """A Functional model; `inputs` and `outputs` as references or structures of them."""
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "registered_name": "Functional",
        "config": {
            "name": name,
            "layers": list(layers),
            "input_layers": inputs,
            "output_layers": outputs,
        },
    }


def sequential(layers: Sequence[Any], name: str = "model", **options: Any) -> Any:
    return {
        "module": "keras",
        "class_name": "Sequential",
        "registered_name": None,
        "config": {"name": name, "layers": list(layers), **options},
    }


def nested(model: Any, *calls: Any) -> Any:
    """A model as a layer of another."""
    return {**copy.deepcopy(model), "name": model["config"]["name"], "inbound_nodes": list(calls)}


def chain(shape: Sequence[int], *layers: Any) -> Any:
    """A Functional model of one input ``x`` and layers one behind the other."""
    last = "x"
    for each in layers:
        each["inbound_nodes"] = [call(tensor(last))]
        last = each["name"]
    return functional([input_layer("x", shape), *layers], ["x", 0, 0], [last, 0, 0])


def quantizer(kind: str, place: str, /, **options: Any) -> Any:
    """A quantizer's configuration."""
    values = {"q_type": kind, "place": place, **options}
    return {
        "module": "hgq.quantizer.config",
        "class_name": "QuantizerConfig",
        "registered_name": "hgq>QuantizerConfig",
        "config": values,
    }


def kif_wrap(shape: Sequence[int], f: float = 3, i: float = 2, k: int = 1) -> list[Any]:
    """Variables of a data quantizer."""
    return [
        np.full(shape, f, np.float32),
        np.full(shape, k, np.uint8),
        np.full(shape, i, np.float32),
        np.float32(0.01),
    ]


def kbi_sat(shape: Sequence[int], b: float = 4, i: float = 1, k: int = 1) -> list[Any]:
    """Variables of a weight quantizer."""
    return [
        np.full(shape, b, np.float32),
        np.full(shape, i, np.float32),
        np.full(shape, k, np.uint8),
    ]


def kbi_wrap(shape: Sequence[int], b: float = 4, i: float = 1, k: int = 1) -> list[Any]:
    """Variables of a bias quantizer."""
    return [*[kbi_sat(shape, b, i, k)[n] for n in (0, 2, 1)], np.float32(0.01)]


def minifloat(shape: Sequence[int], m: float = 2, e: float = 4, e0: float = 0) -> list[Any]:
    """Variables of a minifloat quantizer."""
    return [np.full(shape, width, np.float32) for width in (m, e, e0)]


def q_dense(name: str, units: int, **options: Any) -> Any:
    """A QDense with the default quantizers."""
    return layer("QDense", name, package="hgq", units=units, activation="relu", **options)


def dense_weights(folder: str, n_in: int, units: int, seed: int = 0) -> Weights:
    """What a QDense stores."""
    values = np.random.default_rng(seed)
    return {
        f"{folder}/vars": [
            values.normal(size=(n_in, units)).astype(np.float32),
            values.normal(size=units).astype(np.float32),
            np.float32(1e-5),
            np.uint32(17),
        ],
        f"{folder}/iq/quantizer/vars": kif_wrap((1, n_in)),
        f"{folder}/kq/quantizer/vars": kbi_sat((n_in, units)),
        f"{folder}/bq/quantizer/vars": kbi_wrap((units,)),
    }


def two_dense() -> Parts:
    """``x`` of 4 features, ``d0`` with 3 units, ``d1`` with 2."""
    return Parts(
        chain([4], q_dense("d0", 3), q_dense("d1", 2)),
        dense_weights("layers/q_dense", 4, 3) | dense_weights("layers/q_dense_1", 3, 2, seed=1),
    )
