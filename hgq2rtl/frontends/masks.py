"""Masks: which entries a softmax may see, as constants or as tensors of truth values."""

from __future__ import annotations

from typing import Any

import numpy as np

from .schema import Operand, Site
from .topology import Tensor
from .untrusted import value_shown


def mask_argument(site: Site, position: int, name: str, rank: int) -> Operand | None:
    """A mask among the arguments of a call.

    Parameters
    ----------
    rank : int
        Axes of a mask with a batch axis; a constant one may have fewer.

    Returns
    -------
    None without a mask; the position of an input; or a constant of truth values, without the
    batch axis.
    """
    value = site.argument(position, name)
    if value is None or isinstance(value, Tensor):
        return None if value is None else value.input
    mask = _truth_values(value)
    if mask is None:
        site.unsupported(
            f"its {name} is neither a tensor nor an array of zeros and ones",
            "Give a mask of truth values.",
        )
    if mask.ndim < rank:
        return mask
    if mask.ndim > rank or mask.shape[0] != 1:
        site.unsupported(
            f"its {name} of shape {mask.shape} has an entry for each sample of the batch",
            "All samples share one circuit: give a mask whose batch axis is 1.",
        )
    return mask[0]


def check_mask(site: Site, mask: Operand, name: str, shape: tuple[int, ...]) -> None:
    """Refuse a mask that does not spread to `shape`."""
    own = site.without_batch(mask)
    fits = len(own) <= len(shape) and all(
        size in (1, wanted) for size, wanted in zip(own[::-1], shape[::-1], strict=False)
    )
    if not fits:
        site.options.bad(
            f"its {name} of shape {value_shown(own)} does not spread to {value_shown(shape)}"
        )


def _truth_values(value: Any) -> np.ndarray | None:
    try:
        mask = np.asarray(value)
    except ValueError:
        return None
    if mask.dtype.kind not in "biuf" or not np.all((mask == 0) | (mask == 1)):
        return None
    return mask != 0
