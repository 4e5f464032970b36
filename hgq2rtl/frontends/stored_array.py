"""Arrays that stand in a configuration: ``{"value": [[1.0, 2.0]], "dtype": "float32"}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import BadModelFile, UnsupportedLayer
from .limits import check_tensor
from .options import is_number
from .untrusted import value_shown

_TYPES = ("float32", "float64", "bool", *(f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)))


def stored_array(config: Mapping[str, Any], where: str) -> np.ndarray:
    """The array that ``config`` describes.

    Raises
    ------
    BadModelFile
        If it is ragged, or holds something else than finite numbers that fit its type.
    UnsupportedLayer
        If it is of a type that loses bits, such as bfloat16.
    TooLarge
        If it has more elements than any circuit.
    """
    value, kind = config.get("value"), config.get("dtype", "float32")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise UnsupportedLayer(
            f"{where}: a constant is of type {value_shown(kind)}. Store it as float32 or integers."
        )
    shape, numbers = _flattened(value, where)
    allowed = bool if kind == "bool" else None
    if not all(is_number(n) or (allowed and isinstance(n, bool)) for n in numbers):
        raise BadModelFile(
            f"{where}: a constant holds something that is no finite number. {_ADVICE}"
        )
    try:
        flat = np.array(numbers, np.dtype(kind))
    except (OverflowError, ValueError, TypeError):
        raise BadModelFile(f"{where}: a constant does not fit its type {kind}. {_ADVICE}") from None
    if not np.isfinite(flat).all():
        raise BadModelFile(f"{where}: a constant is infinite in {kind}. {_ADVICE}")
    return flat.reshape(shape)


_ADVICE = "The file is damaged or was edited; save the model again."


def _flattened(value: Any, where: str) -> tuple[tuple[int, ...], list[Any]]:
    """Shape and numbers of nested lists; level by level, so that depth costs no stack."""
    shape: list[int] = []
    level = [value]
    while any(isinstance(item, list) for item in level):
        lengths = {len(item) if isinstance(item, list) else -1 for item in level}
        if len(lengths) > 1:
            raise BadModelFile(f"{where}: a constant's rows differ in length. {_ADVICE}")
        shape.append(lengths.pop())
        check_tensor(tuple(shape), where)
        level = [each for item in level for each in item]
    return tuple(shape), level
