"""Models of learned tables made with hgq2, with random networks and formats."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "jax")


def config(place: str, **options: Any) -> Any:
    """A quantizer configuration."""
    from hgq.config import QuantizerConfig

    return QuantizerConfig(place=place, **options)


def randomize(model: Any, dice: np.random.Generator) -> None:
    """Random numbers for every weight and width; a sixth of the formats have no bits."""
    for layer in model._flatten_layers():
        for weight in layer._trainable_variables + layer._non_trainable_variables:
            made = _numbers(weight.path.split("/"), weight.shape, dice)
            if made is not None:
                weight.assign(made)


def _numbers(path: list[str], shape: Any, dice: np.random.Generator) -> np.ndarray | None:
    name, is_quantizer = path[-1], "quantizer" in path[-2]
    if is_quantizer:
        is_pruned = dice.random(shape) < 1 / 6
        match name:
            case "f" | "b":
                bits = dice.integers(0, 4, shape) if name == "f" else dice.integers(1, 7, shape)
                return np.where(is_pruned, -6 if name == "f" else 0, bits + dice.uniform(-0.4, 0.4))
            case "i":
                return dice.integers(-1, 3, shape) + dice.uniform(-0.4, 0.4, shape)
            case "k":
                return dice.integers(0, 2, shape)
        return None
    if name in ("ebops", "beta") and shape == ():
        return None
    if name == "moving_variance":
        return dice.uniform(0.3, 3, shape)
    return dice.normal(0, 0.8, shape)


def stimulus(shape: tuple[int, ...], dice: np.random.Generator, samples: int = 300) -> np.ndarray:
    """In range, far out of range, on ties, and zero."""
    x = dice.normal(0, 2, (samples, *shape))
    x[: samples // 4] = dice.integers(-64, 64, (samples // 4, *shape)) / 16
    x[samples // 4 : samples // 3] *= 100
    x[samples // 3] = 0
    return x.astype(np.float32)
