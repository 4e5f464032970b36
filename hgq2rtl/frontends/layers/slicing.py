"""Slicing, ``x[:, 1:3]``: the operation GetItem.

The call's argument ``key`` is a tuple of whole numbers, slices and None (a new axis),
without the batch and without an ellipsis: ``a[key]`` on a tensor without batch axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..options import is_whole
from ..schema import Plan, Shape, Site, reads
from ..untrusted import value_shown

Key = tuple[int | slice | None, ...]


@reads("GetItem", package="ops")
def get_item(site: Site) -> Plan:
    """Some elements of the input."""
    key = _without_batch(site, _expanded(site, _parts(site)))
    return Plan(output=_output(site, key), arguments={"key": key})


def _parts(site: Site) -> list[Any]:
    key = site.argument(1, "key")
    parts = key if isinstance(key, list) else [key]
    for part in parts:
        if not (part is None or part is Ellipsis or is_whole(part) or isinstance(part, slice)):
            site.unsupported(
                f"{value_shown(part)} is no index known here", "Slice with numbers and ranges only."
            )
    return parts


def _expanded(site: Site, parts: list[Any]) -> list[Any]:
    """The key with its ellipsis written out, and full slices to the end."""
    missing = len(site.shape) + 1 - sum(p is not None and p is not Ellipsis for p in parts)
    if missing < 0 or sum(p is Ellipsis for p in parts) > 1:
        site.options.bad(f"a key of {len(parts)} parts does not fit an input of {site.shape}")
    at = next((n for n, p in enumerate(parts) if p is Ellipsis), None)
    filling = [slice(None)] * missing
    if at is None:
        return parts + filling
    return parts[:at] + filling + parts[at + 1 :]


def _without_batch(site: Site, parts: list[Any]) -> Key:
    batch, *rest = parts
    is_whole_batch = (
        isinstance(batch, slice)
        and batch.start in (None, 0)
        and batch.stop is None
        and batch.step in (None, 1)
    )
    if not is_whole_batch:
        site.unsupported(
            "the key selects among the samples of the batch", "Slice behind the batch: x[:, ...]."
        )
    return tuple(rest)


def _output(site: Site, key: Key) -> Shape:
    """Shape of the result, by NumPy on a view that takes no memory."""
    view = np.broadcast_to(np.int8(0), site.shape)
    try:
        output = view[key].shape
    except (IndexError, ValueError) as error:
        site.options.bad(f"the key does not fit an input of shape {site.shape} ({error})")
    if 0 in output:
        site.options.bad(f"the key selects nothing of an input of shape {site.shape}")
    return output
