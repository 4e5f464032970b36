"""The batch axis: options and constants of a file count with it, records do without.

Hardware takes one sample after the other, so what would make samples meet is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from .limits import check_tensor
from .options import is_whole, plain_list
from .schema import Operand, Shape, Site
from .topology import Tensor
from .untrusted import value_shown

_REQUIRED = object()


def axis_of(site: Site, name: str, rank: int, default: Any = _REQUIRED) -> int:
    """An axis option, counted without the batch.

    Parameters
    ----------
    rank : int
        Axes of the tensor behind the batch.
    """
    return _without_batch(site, name, _given(site, name, default), rank)


def axes_of(site: Site, name: str, rank: int, default: Any = _REQUIRED) -> tuple[int, ...]:
    """An option of one axis or several, counted without the batch, rising."""
    given = plain_list(_given(site, name, default))
    axes = given if isinstance(given, list) else [given]
    found = sorted(_without_batch(site, name, axis, rank) for axis in axes)
    if len(set(found)) != len(found):
        site.options.wrong(name, "a list of different axes")
    return tuple(found)


def tensors(site: Site, name: str = "inputs") -> tuple[Shape, ...]:
    """Shapes of the layer's inputs, which are one list of tensors without constants."""
    given = site.argument(0, name)
    if given is not None and given != [Tensor(n) for n in range(len(site.shapes))]:
        site.unsupported(
            "it is called with something that is no tensor of the model, or not with one list",
            "Give it a list of tensors; constants have no batch axis to join them on.",
        )
    return site.shapes


def aligned(site: Site, operands: Sequence[Operand]) -> tuple[tuple[Operand, ...], Shape]:
    """Operands of an element-wise operation, and the shape that they spread to.

    Constants lose an axis of one that stands for the batch.
    """
    ranks = {len(site.shapes[o]) for o in operands if isinstance(o, int)}
    if len(ranks) > 1:
        given = ", ".join(str((None, *site.shapes[o])) for o in operands if isinstance(o, int))
        site.unsupported(
            f"its operands have shapes {given}: aligned at their last axes, the batch of one "
            f"meets another axis of the other",
            "Give them equal numbers of axes by Reshape or expand_dims.",
        )
    rank = ranks.pop()
    ready = tuple(o if isinstance(o, int) else _spread(site, o, rank) for o in operands)
    shapes = [site.without_batch(o) for o in ready]
    try:
        return ready, np.broadcast_shapes(*shapes)
    except ValueError:
        site.options.bad(f"operands of shapes {value_shown(shapes)} do not broadcast")


def moved(site: Site, function: Callable[..., Any], largest: int) -> tuple[Shape, ...]:
    """Shapes that come out of a function that only moves elements.

    It is tried on samples whose elements all are the sample's number.

    Parameters
    ----------
    function : takes arrays of the input shapes with a batch axis, gives an array or a list
    largest : int
        Elements of one sample that may come out, at most.
    """
    check_tensor((largest,), site.where)
    shapes = [made.shape for made in _tried(site, function, samples=1)]
    for made, shape in zip(_tried(site, function, samples=3), shapes, strict=True):
        numbers = np.arange(1, 4).reshape(3, *[1] * (len(shape) - 1))
        if made.shape != (3, *shape[1:]) or not np.all((made == numbers) | (made == 0)):
            mixes(site)
    return tuple(shape[1:] for shape in shapes)


def mixes(site: Site) -> NoReturn:
    """Refuse what moves elements from sample to sample."""
    site.unsupported(
        "it moves elements between the samples of the batch, which hardware sees one by one",
        "Leave the first axis as it is.",
    )


def _tried(site: Site, function: Callable[..., Any], samples: int) -> list[np.ndarray]:
    numbers = np.arange(1, samples + 1, dtype=np.int8)
    arrays = [
        np.broadcast_to(numbers.reshape(samples, *[1] * len(shape)), (samples, *shape))
        for shape in site.shapes
    ]
    try:
        made = function(*arrays)
    except (ValueError, IndexError, TypeError, ArithmeticError) as error:
        if samples > 1:
            mixes(site)
        site.options.bad(f"it does not fit its input of shape {site.shapes[0]} ({error})")
    pieces: list[np.ndarray] = made if isinstance(made, list) else [made]
    if any(piece.ndim == 0 or len(piece) != samples for piece in pieces):
        mixes(site)
    if not all(piece.size for piece in pieces):
        site.options.bad(f"it leaves nothing of an input of shape {site.shapes[0]}")
    return pieces


def _given(site: Site, name: str, default: Any) -> Any:
    return site.options.raw(name) if default is _REQUIRED else site.options.raw(name, default)


def _without_batch(site: Site, name: str, axis: Any, rank: int) -> int:
    if axis is None:
        site.unsupported(
            f"without {name!r} it reaches over all axes, the batch among them",
            "Give the axes behind the batch.",
        )
    if not is_whole(axis) or not -rank - 1 <= axis <= rank:
        site.options.wrong(name, f"an axis of a tensor of {rank + 1} axes, the batch included")
    if axis % (rank + 1) == 0:
        site.unsupported(
            f"its {name!r} is that of the batch, whose samples hardware sees one by one",
            f"Use an axis from 1 to {rank}." if rank else "Its input has no other axis.",
        )
    return axis % (rank + 1) - 1


def _spread(site: Site, constant: np.ndarray, rank: int) -> np.ndarray:
    if constant.ndim <= rank:
        return constant
    if constant.ndim == rank + 1 and constant.shape[0] == 1:
        return constant[0]
    site.unsupported(
        f"a constant of shape {constant.shape} has an entry for each sample of the batch",
        "All samples share one circuit: give the constant without a batch axis.",
    )
