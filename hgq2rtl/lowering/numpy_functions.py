"""NumPy names on arrays of wires: one table of functions and one of ufuncs.

NumPy calls :meth:`FixedArray.__array_function__` and ``__array_ufunc__`` (NEP 18
and NEP 13); here each name is one entry. A ufunc of one argument without an entry
is a function that becomes a table at the next quantizer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ..fixed import ExactArray
from . import ordering, reductions
from .fixed_array import FixedArray
from .products import einsum, matmul

F = TypeVar("F", bound=Callable[..., Any])

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
UFUNCS: dict[Any, Callable[..., Any]] = {}
REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.add: reductions.total,
    np.multiply: reductions.product,
    np.maximum: reductions.greatest,
    np.minimum: reductions.least,
    np.logical_and: reductions.all_true,
    np.logical_or: reductions.any_true,
}
"""``ufunc.reduce``."""


def numpy_name(*names: Any) -> Callable[[F], F]:
    """Register what a NumPy function does on wires."""

    def register(function: F) -> F:
        FUNCTIONS.update(dict.fromkeys(names, function))
        return function

    return register


def call_function(function: Any, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """What ``__array_function__`` answers."""
    known = FUNCTIONS.get(function)
    if known is None:
        raise TypeError(
            f"numpy.{function.__name__} has no form on wires. docs/functions.md lists what has; "
            "a function of single numbers can be a table: x.apply(function).quantize(k, i, f)."
        )
    return known(*args, **_plain(options, function.__name__))


def call_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """What ``__array_ufunc__`` answers."""
    given = _plain(options, ufunc.__name__)
    if method == "reduce" and ufunc in REDUCTIONS:
        return REDUCTIONS[ufunc](inputs[0], given.pop("axis", 0), **given)
    if method != "__call__":
        raise TypeError(
            f"numpy.{ufunc.__name__}.{method} has no form on wires. Write it as a loop."
        )
    if ufunc in UFUNCS:
        return UFUNCS[ufunc](*inputs)
    first = next(x for x in inputs if isinstance(x, FixedArray))
    if ufunc.nout != 1:
        raise TypeError(f"numpy.{ufunc.__name__} gives {ufunc.nout} results: call it in parts.")
    return first.elementwise(None, ufunc, *inputs)


_MEANINGLESS = ("dtype", "casting", "order", "subok", "optimize", "kind", "stable")


def _plain(options: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Options without those that say nothing about numbers."""
    for option in ("out", "where", "initial"):
        value = options.get(option)
        if value is not None and value is not True and value is not np._NoValue:
            raise TypeError(f"numpy.{name} on wires takes no {option}=: assign the result instead")
    left_out = ("out", "where", "initial", *_MEANINGLESS)
    return {key: v for key, v in options.items() if key not in left_out and v is not np._NoValue}


def _first(values: Sequence[Any]) -> FixedArray:
    return next(x for x in values if isinstance(x, FixedArray))


# -- ufuncs --------------------------------------------------------------------


def _binary(operation: Callable[[FixedArray, Any], Any]) -> Callable[[Any, Any], Any]:
    """An operation of FixedArray whose left operand may be constant."""

    def call(a: Any, b: Any) -> Any:
        a = a if isinstance(a, FixedArray) else _first((b,)).lifted(a)
        return operation(a, b)

    return call


def _sum(a: Any, b: Any) -> Any:
    return a + b if isinstance(a, FixedArray) else b.__radd__(a)


def _difference(a: Any, b: Any) -> Any:
    return a - b if isinstance(a, FixedArray) else b.__rsub__(a)


def _product(a: Any, b: Any) -> Any:
    return a * b if isinstance(a, FixedArray) else b.__rmul__(a)


def _sign(x: FixedArray) -> FixedArray:
    return (x > 0) - (x < 0)


def _where_zero(x: FixedArray, at_zero: Any) -> FixedArray:
    return (x < 0).where(0, (x == 0).where(at_zero, 1))


UFUNCS.update(
    {
        np.add: _sum,
        np.subtract: _difference,
        np.multiply: _product,
        np.true_divide: _binary(lambda a, b: a / b),
        np.floor_divide: _binary(lambda a, b: a // b),
        np.remainder: _binary(lambda a, b: a % b),
        np.power: lambda a, b: a**b if isinstance(a, FixedArray) else b.lifted(a) ** b,
        np.float_power: lambda a, b: a**b if isinstance(a, FixedArray) else b.lifted(a) ** b,
        np.square: lambda x: x * x,
        np.negative: lambda x: -x,
        np.positive: lambda x: x,
        np.absolute: abs,
        np.fabs: abs,
        np.sign: _sign,
        np.heaviside: _where_zero,
        np.maximum: _binary(lambda a, b: a.maximum(b)),
        np.fmax: _binary(lambda a, b: a.maximum(b)),
        np.minimum: _binary(lambda a, b: a.minimum(b)),
        np.fmin: _binary(lambda a, b: a.minimum(b)),
        np.less: _binary(lambda a, b: a < b),
        np.less_equal: _binary(lambda a, b: a <= b),
        np.greater: _binary(lambda a, b: a > b),
        np.greater_equal: _binary(lambda a, b: a >= b),
        np.equal: _binary(lambda a, b: a == b),
        np.not_equal: _binary(lambda a, b: a != b),
        np.logical_and: _binary(lambda a, b: a.truth() & a.lifted(b).truth()),
        np.logical_or: _binary(lambda a, b: a.truth() | a.lifted(b).truth()),
        np.logical_xor: _binary(lambda a, b: a.truth() ^ a.lifted(b).truth()),
        np.logical_not: lambda x: ~x.truth(),
        np.bitwise_and: _binary(lambda a, b: a & b),
        np.bitwise_or: _binary(lambda a, b: a | b),
        np.bitwise_xor: _binary(lambda a, b: a ^ b),
        np.invert: lambda x: ~x,
        np.left_shift: lambda a, b: a << b,
        np.right_shift: lambda a, b: a >> b,
        np.floor: lambda x: x.rounded("TRN"),
        np.ceil: lambda x: -((-x).rounded("TRN")),
        np.trunc: lambda x: x.rounded("TRN_ZERO"),
        np.rint: lambda x: x.rounded("RND_CONV"),
        np.matmul: matmul,
        np.conjugate: lambda x: x,
    }
)


# -- reductions and order ------------------------------------------------------

FUNCTIONS.update(
    {
        np.sum: reductions.total,
        np.mean: reductions.mean,
        np.prod: reductions.product,
        np.max: reductions.greatest,
        np.amax: reductions.greatest,
        np.min: reductions.least,
        np.amin: reductions.least,
        np.any: reductions.any_true,
        np.all: reductions.all_true,
        np.argmax: ordering.argmax,
        np.argmin: ordering.argmin,
        np.sort: ordering.sort,
        np.argsort: ordering.argsort,
        np.einsum: einsum,
        np.matmul: matmul,
        np.average: reductions.mean,
    }
)


@numpy_name(np.ptp)
def _ptp(x: FixedArray, axis: Any = None, keepdims: bool = False) -> FixedArray:
    return reductions.greatest(x, axis, keepdims) - reductions.least(x, axis, keepdims)


@numpy_name(np.count_nonzero)
def _count_nonzero(x: FixedArray, axis: Any = None, keepdims: bool = False) -> FixedArray:
    return reductions.total(x.truth(), axis, keepdims)


@numpy_name(np.cumsum)
def _cumsum(x: FixedArray, axis: int | None = None) -> FixedArray:
    moved = x.ravel() if axis is None else x.moved(np.moveaxis(x.wires, axis, 0))
    sums = [moved[0]]
    for n in range(1, len(moved)):
        sums.append(sums[-1] + moved[n])
    joined = _stack(sums)
    return joined if axis is None else joined.moved(np.moveaxis(joined.wires, 0, axis))


@numpy_name(np.diff)
def _diff(x: FixedArray, n: int = 1, axis: int = -1) -> FixedArray:
    for _step in range(n):
        moved = x.moved(np.moveaxis(x.wires, axis, 0))
        changes = moved[1:] - moved[:-1]
        x = changes.moved(np.moveaxis(changes.wires, 0, axis))
    return x


# -- products ------------------------------------------------------------------


@numpy_name(np.dot)
def _dot(a: Any, b: Any) -> FixedArray:
    if np.ndim(_wires(a)) == 0 or np.ndim(_wires(b)) == 0:
        return _product(a, b)
    if np.ndim(_wires(b)) == 1:
        return einsum("...k,k->...", a, b)
    return _tensordot(a, b, axes=([-1], [-2]))


@numpy_name(np.inner)
def _inner(a: Any, b: Any) -> FixedArray:
    return _tensordot(a, b, axes=([-1], [-1]))


@numpy_name(np.vdot)
def _vdot(a: Any, b: Any) -> FixedArray:
    return einsum("k,k->", _flat(a), _flat(b))


@numpy_name(np.outer)
def _outer(a: Any, b: Any) -> FixedArray:
    return einsum("a,b->ab", _flat(a), _flat(b))


@numpy_name(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> FixedArray:
    ranks = np.ndim(_wires(a)), np.ndim(_wires(b))
    if isinstance(axes, int):
        axes = (list(range(ranks[0] - axes, ranks[0])), list(range(axes)))
    over_a, over_b = (
        [n % rank for n in np.atleast_1d(each).tolist()]
        for each, rank in zip(axes, ranks, strict=True)
    )
    first = [chr(ord("a") + n) for n in range(ranks[0])]
    second = [chr(ord("A") + n) for n in range(ranks[1])]
    for p, q in zip(over_a, over_b, strict=True):
        second[q] = first[p]
    kept = [c for n, c in enumerate(first) if n not in over_a]
    kept += [c for n, c in enumerate(second) if n not in over_b]
    return einsum(f"{''.join(first)},{''.join(second)}->{''.join(kept)}", a, b)


def _flat(x: Any) -> Any:
    return x.reshape(-1) if isinstance(x, FixedArray | ExactArray) else np.ravel(x)


def _wires(x: Any) -> np.ndarray:
    return x.wires if isinstance(x, FixedArray) else np.asarray(x)


# -- choices -------------------------------------------------------------------


@numpy_name(np.where)
def _where(condition: Any, a: Any, b: Any) -> FixedArray:
    lifter = _first((condition, a, b))
    if not isinstance(condition, FixedArray):
        a, b = lifter.lifted(a), lifter.lifted(b)
        shape = np.broadcast_shapes(np.shape(condition), a.shape, b.shape)
        chosen = np.where(condition, a.broadcast_to(shape).wires, b.broadcast_to(shape).wires)
        return FixedArray(lifter.tracer, chosen, a.is_bool and b.is_bool)
    return condition.where(a, b)


@numpy_name(np.clip)
def _clip(x: Any, a_min: Any = None, a_max: Any = None, **limits: Any) -> FixedArray:
    least, most = limits.get("min", a_min), limits.get("max", a_max)
    x = x if isinstance(x, FixedArray) else _first((least, most)).lifted(x)
    return x.clip(least, most)


@numpy_name(np.select)
def _select(conditions: Sequence[Any], choices: Sequence[Any], default: Any = 0) -> Any:
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        default = _where(condition, choice, default)
    return default


@numpy_name(np.round, np.around)
def _round(x: FixedArray, decimals: int = 0) -> FixedArray:
    if decimals:
        raise TypeError("np.round on wires rounds to whole numbers: use quantize for fractions")
    return x.rounded("RND_CONV")


@numpy_name(np.nan_to_num, np.real, np.real_if_close, np.copy)
def _nan_to_num(x: FixedArray, **_options: Any) -> FixedArray:
    return x


# -- moving elements -----------------------------------------------------------


def _moves(function: Any) -> Callable[..., Any]:
    """A function that only moves the elements of its first argument."""

    def call(x: FixedArray, *args: Any, **options: Any) -> FixedArray:
        return x.moved(function(x.wires, *args, **options))

    return call


def _cuts(function: Any) -> Callable[..., Any]:
    """A function that gives a list of pieces."""

    def call(x: FixedArray, *args: Any, **options: Any) -> list[FixedArray]:
        return [x.moved(piece) for piece in function(x.wires, *args, **options)]

    return call


def _joins(function: Any) -> Callable[..., Any]:
    """A function that puts arrays together; constants among them become wires."""

    def call(arrays: Sequence[Any], *args: Any, **options: Any) -> FixedArray:
        first = _first(list(arrays))
        lifted = [first.lifted(x) for x in arrays]
        joined = function([x.wires for x in lifted], *args, **options)
        return FixedArray(first.tracer, joined, all(x.is_bool for x in lifted))

    return call


for _name in (
    "reshape ravel transpose swapaxes moveaxis rollaxis expand_dims squeeze flip fliplr flipud "
    "rot90 roll repeat tile take broadcast_to delete diagonal take_along_axis atleast_1d "
    "atleast_2d atleast_3d matrix_transpose permute_dims"
).split():
    if hasattr(np, _name):
        FUNCTIONS[getattr(np, _name)] = _moves(getattr(np, _name))
for _name in ("split", "array_split", "hsplit", "vsplit", "dsplit"):
    FUNCTIONS[getattr(np, _name)] = _cuts(getattr(np, _name))
for _name in ("concatenate", "stack", "vstack", "hstack", "dstack", "column_stack", "concat"):
    if hasattr(np, _name):
        FUNCTIONS[getattr(np, _name)] = _joins(getattr(np, _name))
_stack = FUNCTIONS[np.stack]


@numpy_name(np.broadcast_arrays)
def _broadcast_arrays(*arrays: Any) -> tuple[FixedArray, ...]:
    first = _first(arrays)
    lifted = [first.lifted(x) for x in arrays]
    shape = np.broadcast_shapes(*(x.shape for x in lifted))
    return tuple(x.broadcast_to(shape) for x in lifted)


@numpy_name(np.append)
def _append(x: Any, values: Any, axis: int | None = None) -> FixedArray:
    first = _first((x, values))
    both = [first.lifted(x), first.lifted(values)]
    if axis is None:
        both = [each.ravel() for each in both]
    return FixedArray.concatenate(both, axis or 0)


@numpy_name(np.pad)
def _pad(x: FixedArray, pad_width: Any, mode: str = "constant", **options: Any) -> FixedArray:
    if mode != "constant":
        pad: Any = np.pad
        return x.moved(pad(x.wires, pad_width, mode, **options))
    padding = x.lifted(options.get("constant_values", 0)).wires
    return x.moved(np.pad(x.wires, pad_width, constant_values=padding))


@numpy_name(np.tril)
def _tril(x: FixedArray, k: int = 0) -> FixedArray:
    return _where(np.tril(np.ones(x.shape, bool), k), x, 0)


@numpy_name(np.triu)
def _triu(x: FixedArray, k: int = 0) -> FixedArray:
    return _where(np.triu(np.ones(x.shape, bool), k), x, 0)


@numpy_name(np.zeros_like)
def _zeros_like(x: FixedArray, shape: Any = None) -> FixedArray:
    return x.lifted(np.zeros(x.shape if shape is None else shape))


@numpy_name(np.ones_like)
def _ones_like(x: FixedArray, shape: Any = None) -> FixedArray:
    return x.lifted(np.ones(x.shape if shape is None else shape))


@numpy_name(np.full_like)
def _full_like(x: FixedArray, fill_value: Any, shape: Any = None) -> FixedArray:
    return x.lifted(np.broadcast_to(fill_value, x.shape if shape is None else shape))


@numpy_name(np.shape)
def _shape(x: FixedArray) -> tuple[int, ...]:
    return x.shape


@numpy_name(np.ndim)
def _ndim(x: FixedArray) -> int:
    return x.ndim


@numpy_name(np.size)
def _size(x: FixedArray, axis: int | None = None) -> int:
    return x.size if axis is None else x.shape[axis]


@numpy_name(np.iscomplexobj)
def _iscomplexobj(x: FixedArray) -> bool:
    return False
