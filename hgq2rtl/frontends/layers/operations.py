"""Operations of Keras (``keras.ops``) on numbers: element by element, and products.

The record's ``operands`` are inputs, by position, and constants, all without the batch
axis. ``config``: Clip x_min, x_max (a number or None); LeakyRelu negative_slope; Cast
dtype; OneHot num_classes, axis (of the result); Einsum equation (explicit, without
batch). Of the others, none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import contraction
from ..batch import aligned, axis_of
from ..einsum import BadEquation
from ..options import is_whole, plain_list
from ..schema import Operand, Plan, Site, reads
from ..untrusted import value_shown
from .merge import contracted

OPERANDS = {
    "x": """Absolute Abs BitwiseInvert BitwiseNot Ceil Copy Fabs Floor LogicalNot Negative Relu6
        Sign Square StopGradient Trunc""",
    "x1 x2": """Add Divide Equal FloorDivide Fmax Fmin Fmod Greater GreaterEqual Less LessEqual
        LogicalAnd LogicalOr LogicalXor Maximum Minimum Mod Multiply NotEqual Power Subtract
        TrueDivide""",
    "x y": """BitwiseAnd BitwiseLeftShift BitwiseOr BitwiseRightShift BitwiseXor LeftShift
        RightShift""",
    "condition x1 x2": "Where",
}
"""Names of the arguments of element-wise operations without options."""

DIVISIONS = ("Divide", "FloorDivide", "Fmod", "Mod", "TrueDivide")
SHIFTS = ("BitwiseLeftShift", "BitwiseRightShift", "LeftShift", "RightShift")

SPELLINGS = {
    "Abs": "Absolute",
    "BitwiseInvert": "BitwiseNot",
    "BitwiseLeftShift": "LeftShift",
    "BitwiseRightShift": "RightShift",
    "Copy": "Identity",
    "Fabs": "Absolute",
    "Fmax": "Maximum",
    "Fmin": "Minimum",
    "StopGradient": "Identity",
    "TrueDivide": "Divide",
}
"""Further names of the same record class."""


def _reads_elementwise(class_name: str, names: Sequence[str]) -> None:
    @reads(class_name, package="ops")
    def schema(site: Site) -> Plan:
        operands = site.operands(*names)
        if class_name in DIVISIONS:
            _check_divisor(site, operands[1])
        if class_name in SHIFTS:
            _check_shift(site, operands[1])
        return elementwise(site, operands, SPELLINGS.get(class_name))


for _names, _classes in OPERANDS.items():
    for _class in _classes.split():
        _reads_elementwise(_class, _names.split())


def _check_divisor(site: Site, divisor: Operand) -> None:
    if not isinstance(divisor, int) and not np.all(divisor):
        site.unsupported("it divides by a constant 0", "Divide by something else.")


def _check_shift(site: Site, bits: Operand) -> None:
    if isinstance(bits, int):
        site.unsupported("it shifts by a variable", "Shift by a constant.")
    if np.any(bits < 0) or np.any(bits > 31) or np.any(bits != np.floor(bits)):
        site.unsupported(
            f"it shifts by {value_shown(bits.tolist())}", "Shift by whole numbers from 0 to 31."
        )


def elementwise(
    site: Site,
    operands: Sequence[Operand],
    class_name: str | None = None,
    config: Mapping[str, Any] | None = None,
) -> Plan:
    """One number from the numbers of all operands at the same place."""
    ready, output = aligned(site, operands)
    return Plan(output, config or {}, arguments={"operands": ready}, class_name=class_name)


@reads("Clip", package="ops")
def clip(site: Site) -> Plan:
    """``min(max(x, x_min), x_max)``."""
    limits: dict[str, Any] = {
        name: None if site.options.raw(name) is None else site.options.number(name)
        for name in ("x_min", "x_max")
    }
    return elementwise(site, (0,), config=limits)


@reads("LeakyRelu", package="ops")
def leaky_relu(site: Site) -> Plan:
    """``x``, or ``negative_slope * x`` where it is negative."""
    slope = site.options.number("negative_slope", 0.2)
    return elementwise(site, (0,), config={"negative_slope": slope})


@reads("Round", package="ops")
def rounding(site: Site) -> Plan:
    """To whole numbers, half to even."""
    if site.options.raw("decimals", 0) != 0:
        site.unsupported(
            "it rounds to decimal places, which have no finite binary form",
            "Round to whole numbers, or use a Quantizer for binary places.",
        )
    return elementwise(site, (0,))


@reads("Cast", package="ops")
def cast(site: Site) -> Plan:
    """To truth values, to integers (towards 0), or to float32, which changes nothing."""
    dtype = site.options.raw("dtype")
    if dtype not in ("bool", "int32", "int64", "float32", "float64"):
        site.unsupported(
            f"it casts to {value_shown(dtype)}, in which numbers would wrap or round",
            "Cast to bool, int32 or float32.",
        )
    config = {"dtype": "int32" if dtype == "int64" else dtype}
    return elementwise(site, (0,), config=config)


@reads("ConvertToTensor", package="ops")
def convert(site: Site) -> Plan:
    """What is a tensor stays the same."""
    for option in ("dtype", "sparse", "ragged"):
        if site.options.raw(option, None) not in (None, False):
            site.unsupported(
                f"it converts to {option} = {value_shown(site.options.raw(option))}",
                "Leave it out, or use cast.",
            )
    return elementwise(site, (0,), "Identity")


@reads("Select", package="ops")
def select(site: Site) -> Plan:
    """The choice of the first condition that is true, else the default."""
    conditions, choices = _listed(site, 0, "condlist"), _listed(site, 1, "choicelist")
    if len(conditions) != len(choices):
        site.options.bad(f"it has {len(conditions)} conditions for {len(choices)} choices")
    default = site.argument(2, "default", 0)
    return elementwise(site, (*conditions, *choices, site.as_operand(default, "default")))


def _listed(site: Site, position: int, name: str) -> list[Operand]:
    """An argument that is a list of tensors and constants."""
    values = site.argument(position, name)
    if not isinstance(values, list) or not values:
        site.options.bad(f"its argument {name!r} is no list")
    return [site.as_operand(value, name) for value in values]


@reads("OnesLike", "ZerosLike", package="ops")
def constant(site: Site) -> Plan:
    """Ones or zeros in the shape of the input."""
    _check_type(site)
    return elementwise(site, (0,))


@reads("FullLike", package="ops")
def full(site: Site) -> Plan:
    """One number in the shape of the input."""
    _check_type(site)
    return elementwise(site, site.operands("x", "fill_value"))


@reads("OneHot", package="ops")
def one_hot(site: Site) -> Plan:
    """1 where the class is the number, 0 elsewhere."""
    _check_type(site)
    site.options.boolean("sparse", default=False)
    classes = site.options.whole("num_classes", at_least=1)
    axis = axis_of(site, "axis", len(site.shape) + 1, -1)
    output = (*site.shape[:axis], classes, *site.shape[axis:])
    return Plan(output, {"num_classes": classes, "axis": axis})


# -- products ------------------------------------------------------------------


@reads("Einsum", package="ops")
def einsum(site: Site) -> Plan:
    """``numpy.einsum``."""
    text = site.options.text("subscripts")
    names = [f"operand {n}" for n in range(text.split("->")[0].count(",") + 1)]
    return _product(site, site.operands(*names), lambda *_: text)


@reads("Matmul", package="ops")
def matmul(site: Site) -> Plan:
    """``numpy.matmul``."""
    return _product(site, site.operands("x1", "x2"), contraction.matmul)


@reads("Dot", package="ops")
def dot(site: Site) -> Plan:
    """``numpy.dot``."""
    operands = site.operands("x1", "x2")
    if any(not isinstance(operand, int) and not operand.ndim for operand in operands):
        return elementwise(site, operands, "Multiply")
    return _product(site, operands, contraction.dot)


@reads("Inner", package="ops")
def inner(site: Site) -> Plan:
    """``numpy.inner``."""
    return _product(
        site, site.operands("x1", "x2"), lambda a, b: contraction.tensordot(a, b, ([-1], [-1]))
    )


@reads("Outer", package="ops")
def outer(site: Site) -> Plan:
    """``numpy.outer``: it makes one axis of all, so a tensor may have the batch only."""
    operands = site.operands("x1", "x2")
    if any(isinstance(operand, int) and site.shapes[operand] for operand in operands):
        site.unsupported(
            "it joins the batch with other axes",
            "Use einsum with a label for the batch, such as 'bi,bj->bij'.",
        )
    flat = [o if isinstance(o, int) else o.reshape(-1) for o in operands]
    return _product(site, flat, lambda a, b: contraction.tensordot(a, b, ([], [])))


@reads("Tensordot", package="ops")
def tensordot(site: Site) -> Plan:
    """``numpy.tensordot``."""
    given = plain_list(site.options.raw("axes", 2))

    def equation(a: int, b: int) -> str:
        return contraction.tensordot(a, b, _pairs(site, given, a))

    return _product(site, site.operands("x1", "x2"), equation)


def _product(site: Site, operands: Sequence[Operand], equation: Callable[..., str]) -> Plan:
    """Operands multiplied and summed by an equation of their ranks."""
    ranks = [len(site.without_batch(operand)) + isinstance(operand, int) for operand in operands]
    try:
        text = equation(*ranks)
    except BadEquation as problem:
        site.options.bad(f"its product {problem}")
    bare, ready, output = contracted(site, text, operands)
    return Plan(output, {"equation": bare}, arguments={"operands": ready}, class_name="Einsum")


def _pairs(site: Site, given: Any, rank: int) -> tuple[Sequence[int], Sequence[int]]:
    """Axes of both operands that ``tensordot`` sums over."""
    if is_whole(given) and 0 <= given <= rank:
        return range(rank - given, rank), range(given)
    pairs = (
        [[each] if is_whole(each) else plain_list(each) for each in given]
        if isinstance(given, list)
        else []
    )
    if len(pairs) != 2 or not all(isinstance(p, list) and all(map(is_whole, p)) for p in pairs):
        site.options.wrong("axes", "a number of axes, or two lists of axes")
    return pairs[0], pairs[1]


def _check_type(site: Site) -> None:
    dtype = site.options.raw("dtype", None)
    if dtype not in (None, "float32", "int32"):
        site.unsupported(
            f"its result is of type {value_shown(dtype)}", "Leave dtype out, and cast to bool."
        )
