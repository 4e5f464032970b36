"""Equations of einsum layers: checked, made explicit, sized.

A layer's equation is ``data,kernel->output`` with the batch axis among the
labels or under an ellipsis: ``bc,cd->bd``, ``...x,xy->...y``,
``ab...,bc->ac...``. It is checked here by the labels alone; the shapes are
then those that the labels call for.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass

from .untrusted import shown

Shape = tuple[int, ...]

_FORMS = (
    re.compile(r"(?P<data>[a-zA-Z]+),(?P<kernel>[a-zA-Z]+)->(?P<output>[a-zA-Z]+)"),
    re.compile(r"\.{3}(?P<data>[a-zA-Z]+),(?P<kernel>[a-zA-Z]+)->\.{3}(?P<output>[a-zA-Z]+)"),
    re.compile(r"(?P<data>[a-zA-Z]{2,})\.{3},(?P<kernel>[a-zA-Z]+)->(?P<output>[a-zA-Z]+)\.{3}"),
)


class BadEquation(ValueError):
    """The equation breaks a rule; the text completes "equation '...' "."""


class UnsupportedEquation(ValueError):
    """The equation is legal, but has no form here."""


@dataclass(frozen=True)
class Equation:
    """An explicit einsum equation, batch label first on data and output."""

    data: str
    kernel: str
    output: str
    named: str
    """The labels of the output that the layer's own equation names, without the batch."""

    def __str__(self) -> str:
        return f"{self.data},{self.kernel}->{self.output}"


def parse_equation(text: str, rank: int) -> Equation:
    """Check an equation and expand its ellipsis.

    Parameters
    ----------
    text : str
    rank : int
        Axes of the data, the batch axis included.

    Raises
    ------
    BadEquation
        If the text has no such form, or its labels do not fit each other or the data.
    UnsupportedEquation
        If an operand repeats a label, or the batch axis does not stay in front.

    Examples
    --------
    >>> str(parse_equation("...x,xy->...y", 3))
    'abx,xy->aby'
    """
    match = next((m for form in _FORMS if (m := form.fullmatch(text))), None)
    if match is None:
        raise BadEquation("is none of the forms 'ab,bc->ac', '...b,bc->...c' and 'ab...,bc->ac...'")
    data, kernel, output = match["data"], match["kernel"], match["output"]
    has_left_ellipsis, has_right_ellipsis = text.startswith("..."), text.endswith("...")
    _check_rank(len(data) + has_left_ellipsis, rank, has_left_ellipsis or has_right_ellipsis)
    hidden = _hidden_labels(rank - len(data), text)
    if has_left_ellipsis:
        equation = Equation(hidden + data, kernel, hidden + output, named=output)
    else:
        equation = Equation(data + hidden, kernel, output + hidden, named=output[1:])
    _check_labels(equation)
    return equation


def output_sizes(equation: Equation, declared: Sequence[int | None]) -> dict[str, int | None]:
    """Sizes of the named output labels, as the layer's ``output_shape`` option declares them."""
    if len(declared) != len(equation.named):
        raise BadEquation(
            f"has {len(equation.named)} output axes where output_shape has {len(declared)}"
        )
    return dict(zip(equation.named, declared, strict=True))


def label_sizes(
    equation: Equation, data_shape: Shape, declared: Sequence[int | None]
) -> dict[str, int]:
    """The size of every label but the batch.

    Raises
    ------
    BadEquation
        If a size is unknown, or data and ``output_shape`` disagree.
    """
    sizes = dict(zip(equation.data[1:], data_shape, strict=True))
    for label, size in output_sizes(equation, declared).items():
        known = sizes.setdefault(label, size) if size is not None else sizes.get(label)
        if known is None:
            raise BadEquation(f"leaves the size of output axis {label!r} open")
        if size is not None and known != size:
            raise BadEquation(
                f"gives axis {label!r} size {known} by the data and {size} by output_shape"
            )
    return sizes


def bias_shape(equation: Equation, axes: str, sizes: dict[str, int]) -> Shape:
    """Shape of the bias: from its first axis to the end of the output, 1 where it is shared."""
    outside = sorted(set(axes) - set(equation.named))
    if outside or not axes:
        raise BadEquation(f"has no output axes {shown(axes)!r} for a bias")
    first = min(equation.output.index(label) for label in axes)
    return tuple(sizes[x] if x in axes else 1 for x in equation.output[first:])


def _hidden_labels(count: int, text: str) -> str:
    """Labels for the axes under an ellipsis, unlike those of the equation."""
    free = [label for label in string.ascii_letters if label not in text]
    if count > len(free):
        raise BadEquation(f"would need {count} more labels than there are letters")
    return "".join(free[:count])


def _check_rank(axes: int, rank: int, has_ellipsis: bool) -> None:
    if rank < max(axes, 2) or (rank > axes and not has_ellipsis):
        least = "at least " if has_ellipsis else ""
        raise BadEquation(
            f"takes data of {least}{axes} axes, the batch included, where the input has {rank}"
        )


def _check_labels(equation: Equation) -> None:
    data, kernel, output = equation.data, equation.kernel, equation.output
    if not set(kernel) <= set(data + output):
        raise BadEquation("names a kernel axis that is neither in the data nor in the output")
    if not set(output) <= set(data + kernel):
        raise BadEquation("names an output axis that is neither in the data nor in the kernel")
    for operand in (data, kernel, output):
        if len(set(operand)) != len(operand):
            raise UnsupportedEquation(f"repeats a label in {shown(operand)!r}")
    if output[0] != data[0] or data[0] in kernel:
        raise UnsupportedEquation("does not keep the batch axis in front of data and output")
