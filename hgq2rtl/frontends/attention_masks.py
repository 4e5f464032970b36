"""Masks of an attention: arguments of its call, and what its options add to them."""

from __future__ import annotations

import numpy as np

from .masks import check_mask, mask_argument
from .schema import Operand, Shape, Site

_PLACES = {"query_mask": (3, "query"), "value_mask": (4, "key"), "key_mask": (5, "key")}
"""Masks of places: position among the arguments, and kind."""


def flag_argument(site: Site, position: int, name: str) -> bool:
    """A truth value among the arguments of a call; none is false."""
    value = site.argument(position, name, False)
    if value not in (None, False, True):
        site.options.bad(f"its argument {name!r} is no truth value")
    return bool(value)


def attention_masks(site: Site, scores: Shape, is_projected: bool) -> list[tuple[str, Operand]]:
    """All masks, by kind: ``query``, ``key`` (places), or ``attention`` (who sees whom).

    Parameters
    ----------
    scores : (heads, *asking places, *seen places)
    is_projected : bool
        Whether the seen places are no places of the sequence any more.
    """
    axes = len(scores) // 2
    asking, seen = scores[1 : 1 + axes], scores[1 + axes :]
    found: list[tuple[str, Operand]] = []
    for name, (position, kind) in _PLACES.items():
        mask = mask_argument(site, position, name, rank=2)
        if mask is not None:
            _check_one_axis(site, name, axes)
            check_mask(site, mask, name, asking if kind == "query" else seen)
            found.append((kind, mask))
    mask = _attention_mask(site, axes)
    if mask is not None:
        check_mask(site, mask, "attention_mask", scores)
        found.append(("attention", mask))
    return found + [("attention", mask) for mask in _made(site, asking, seen, is_projected)]


def _attention_mask(site: Site, axes: int) -> Operand | None:
    """For all heads or for each: a mask for each has one axis more."""
    value = site.argument(6, "attention_mask")
    has_heads = isinstance(value, np.ndarray) and value.ndim == 2 * axes + 2
    return mask_argument(site, 6, "attention_mask", rank=2 * axes + 1 + has_heads)


def _made(site: Site, asking: Shape, seen: Shape, is_projected: bool) -> list[np.ndarray]:
    """Masks that follow from the places alone."""
    found = []
    distance = np.subtract.outer(np.arange(asking[0]), np.arange(seen[0]))
    if flag_argument(site, 9, "use_causal_mask"):
        _check_one_axis(site, "use_causal_mask", len(asking))
        if is_projected:
            site.unsupported(
                "a causal mask does not fit projected places, and hgq2 itself cannot run it",
                "Give an attention_mask.",
            )
        found.append(distance >= 0)
    if site.options.raw("sliding_window", None) is not None:
        _check_one_axis(site, "sliding_window", len(asking))
        found.append(np.abs(distance) < site.options.whole("sliding_window", at_least=1))
    return found


def _check_one_axis(site: Site, name: str, axes: int) -> None:
    if axes != 1:
        site.unsupported(
            f"{name} is for one axis of places, and the layer has {axes}",
            "Give an attention_mask.",
        )
