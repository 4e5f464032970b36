"""Operations of Keras that move elements, each the NumPy function of its name.

The ``config`` of these records holds the function's further arguments, and its axes count
with the batch, as Keras and NumPy count them: the function is applied to samples with a
batch axis. What it is applied to are the ``operands``. Unstack counts its axis without.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import limits
from ..batch import axis_of, mixes, moved, tensors
from ..options import LARGEST, is_number, is_whole, plain_list
from ..schema import Operand, Plan, Site, reads
from ..stored_array import stored_array
from ..topology import Tensor
from ..untrusted import value_shown


@dataclass(frozen=True)
class Move:
    """A NumPy function that moves elements, as an operation of Keras has it."""

    function: Callable[..., Any]
    options: tuple[str, ...] = ()
    """Names of its further arguments."""
    largest: Callable[..., int] = lambda size, **_: size
    """How many elements come out at most, from how many come in and the options."""


def _tile(x: np.ndarray, repeats: int | tuple[int, ...]) -> np.ndarray:
    return np.tile(x, repeats)


def _most(repeats: Any) -> int:
    return max(np.atleast_1d(repeats).tolist(), default=0)


def _product(repeats: Any) -> int:
    return math.prod(repeats if isinstance(repeats, tuple) else (repeats,))


MOVES = {
    "ArraySplit": Move(np.array_split, ("indices_or_sections", "axis")),
    "Diagonal": Move(np.diagonal, ("offset", "axis1", "axis2")),
    "Dsplit": Move(np.dsplit, ("indices_or_sections",)),
    "Flip": Move(np.flip, ("axis",)),
    "Fliplr": Move(np.fliplr),
    "Hsplit": Move(np.hsplit, ("indices_or_sections",)),
    "Repeat": Move(
        np.repeat, ("repeats", "axis"), lambda size, repeats, **_: size * _most(repeats)
    ),
    "Roll": Move(np.roll, ("shift", "axis")),
    "Rot90": Move(np.rot90, ("k", "axes")),
    "Split": Move(np.split, ("indices_or_sections", "axis")),
    "Tile": Move(_tile, ("repeats",), lambda size, repeats: size * _product(repeats)),
    "Tril": Move(np.tril, ("k",)),
    "Triu": Move(np.triu, ("k",)),
}
"""Of one tensor."""

JOINS = {
    "Dstack": Move(np.dstack),
    "Hstack": Move(np.hstack),
    "Stack": Move(np.stack, ("axis",)),
}
"""Of one list of tensors."""

PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def _reads_move(name: str, move: Move) -> None:
    @reads(name, package="ops")
    def schema(site: Site) -> Plan:
        options = {option: _wholes(site, option) for option in move.options}
        _check_pieces(site, options.get("indices_or_sections"))
        largest = move.largest(math.prod(site.shape), **options)
        return _plan(site, lambda x: move.function(x, **options), largest, options)


def _reads_join(name: str, move: Move) -> None:
    @reads(name, package="ops")
    def schema(site: Site) -> Plan:
        options = {option: _wholes(site, option) for option in move.options}
        largest = sum(math.prod(shape) for shape in tensors(site, "xs"))
        operands = tuple(range(len(site.shapes)))
        return _plan(site, lambda *x: move.function(x, **options), largest, options, operands)


for _name, _move in MOVES.items():
    _reads_move(_name, _move)
for _name, _move in JOINS.items():
    _reads_join(_name, _move)


@reads("BroadcastTo", "Flipud", "Ravel", "Vsplit", "Vstack", package="ops")
def across_samples(site: Site) -> Plan:
    """What always touches the batch axis."""
    mixes(site)


@reads("Unstack", package="ops")
def unstack(site: Site) -> Plan:
    """One tensor for each place of an axis."""
    axis = axis_of(site, "axis", len(site.shape), 0)
    if site.options.raw("num", None) not in (None, site.shape[axis]):
        site.options.wrong("num", f"the {site.shape[axis]} places of the axis")
    _check_pieces(site, site.shape[axis])
    output = (*site.shape[:axis], *site.shape[axis + 1 :])
    return Plan(output, {"axis": axis}, further_outputs=(output,) * (site.shape[axis] - 1))


@reads("Take", package="ops")
def take(site: Site) -> Plan:
    """Elements by constant indices along an axis; negative ones count from its end."""
    indices = _indices(site)
    axis = _axis(site)
    largest = math.prod(site.shape) // site.shape[axis - 1] * indices.size
    operands = (0, indices)
    return _plan(site, lambda x: np.take(x, indices, axis), largest, {"axis": axis}, operands)


@reads("TakeAlongAxis", package="ops")
def take_along_axis(site: Site) -> Plan:
    """Elements by constant indices, which are the same for all samples."""
    indices = _indices(site)
    axis = _axis(site)
    largest = math.prod(site.shape) // site.shape[axis - 1] * indices.size
    operands = (0, indices)
    return _plan(
        site, lambda x: np.take_along_axis(x, indices, axis), largest, {"axis": axis}, operands
    )


@reads("Pad", package="ops")
def pad(site: Site) -> Plan:
    """Further elements around: a constant, or elements of the tensor."""
    mode = site.options.raw("mode", "constant")
    if mode not in PAD_MODES:
        site.unsupported(f"its mode is {value_shown(mode)}", f"Use one of {', '.join(PAD_MODES)}.")
    value = site.argument(1, "constant_values")
    if value is not None and not is_number(value):
        site.unsupported(f"it pads with {value_shown(value)}", "Pad with one number.")
    widths = _widths(site, len(site.shape) + 1)
    padded = zip(site.shape, widths[1:], strict=True)
    largest = math.prod(size + before + after for size, (before, after) in padded)
    options: dict[str, Any] = {"pad_width": widths, "mode": mode}
    if mode == "constant":
        options["constant_values"] = float(np.float32(value or 0))
    return _plan(site, lambda x: np.pad(x, widths, mode=mode), largest, options)


def _plan(
    site: Site,
    function: Callable[..., Any],
    largest: int,
    options: Mapping[str, Any],
    operands: Sequence[Operand] = (0,),
) -> Plan:
    first, *rest = moved(site, function, largest)
    return Plan(
        output=first,
        further_outputs=tuple(rest),
        config=options,
        arguments={"operands": tuple(operands)},
    )


def _wholes(site: Site, name: str) -> int | tuple[int, ...] | None:
    """An option of one whole number, several, or none."""
    value = plain_list(site.options.raw(name))
    numbers = value if isinstance(value, list) else [0 if value is None else value]
    if not all(is_whole(n) and abs(n) < LARGEST for n in numbers):
        site.options.wrong(name, "a whole number or a list of them")
    return tuple(value) if isinstance(value, list) else value


def _check_pieces(site: Site, sections: Any) -> None:
    """Refuse more tensors than a model can have ports."""
    pieces = len(sections) + 1 if isinstance(sections, tuple) else sections or 1
    if pieces > limits.PORTS:
        site.unsupported(f"it makes {pieces} tensors", f"Split into {limits.PORTS} at most.")


def _axis(site: Site) -> int:
    """The axis as it stands, behind the batch; positive."""
    return axis_of(site, "axis", len(site.shape), None) + 1


def _indices(site: Site) -> np.ndarray:
    given = site.argument(1, "indices")
    if isinstance(given, Tensor):
        site.unsupported(
            "its indices depend on data",
            "Use constant indices, or one_hot of the indices and a product.",
        )
    indices = _whole_array(site, given, "indices")
    if not indices.size:
        site.options.bad("its indices are an empty list")
    return indices


def _widths(site: Site, rank: int) -> tuple[tuple[int, int], ...]:
    """``pad_width`` for each axis, the batch among them."""
    given = _whole_array(site, site.options.raw("pad_width"), "pad_width")
    if given.shape not in ((), (1,), (2,), (1, 2), (rank, 2)) or given.min() < 0:
        site.options.wrong("pad_width", f"two numbers of at least 0 for each of {rank} axes")
    return tuple((before, after) for before, after in np.broadcast_to(given, (rank, 2)).tolist())


def _whole_array(site: Site, value: Any, name: str) -> np.ndarray:
    """A number, nested lists of numbers or a stored array, all whole."""
    if not isinstance(value, np.ndarray):
        value = stored_array({"value": value, "dtype": "float64"}, site.where)
    if np.any(value != np.floor(value)) or np.any(np.abs(value) >= LARGEST):
        site.options.bad(f"its {name} are not all whole numbers")
    return value.astype(np.int64)
