"""Layers of several inputs, of HGQ and of Keras: element by element, products, joined.

``config`` of the records, all without the batch axis:

Add, Subtract, Multiply, Maximum, Minimum, Average, QAveragePow2
    none. QAdd and its like have quantizers, and are the same otherwise.
Dot, QDot, QEinsum
    equation.
Concatenate
    axis.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import contraction
from ..batch import tensors
from ..einsum import BadEquation, UnsupportedEquation
from ..options import is_whole, plain_list
from ..schema import (
    Operand,
    Plan,
    Shape,
    Site,
    ebops_variables,
    input_slots,
    output_slots,
    reads,
)
from ..untrusted import value_shown


@reads("QAdd", "QMultiply", "QMaximum", "QMinimum", "QAveragePow2")
def quantized_merge(site: Site) -> Plan:
    """One number from the numbers of all inputs, which broadcast, aligned at the last axis."""
    return _quantized(site, {}, _broadcast(site))


@reads("QSubtract")
def quantized_difference(site: Site) -> Plan:
    """The first input minus the second."""
    _check_pair(site)
    return _quantized(site, {}, _broadcast(site))


@reads("Add", "Multiply", "Maximum", "Minimum", "Average", package="keras")
def merge(site: Site) -> Plan:
    """The same without quantizers."""
    return Plan(output=_broadcast(site))


@reads("Subtract", package="keras")
def difference(site: Site) -> Plan:
    """The first input minus the second."""
    _check_pair(site)
    return Plan(output=_broadcast(site))


@reads("QDot")
def quantized_dot(site: Site) -> Plan:
    """Products of two inputs, summed over one axis of each."""
    equation, output = _dot(site)
    return _quantized(site, {"equation": equation}, output)


@reads("Dot", package="keras")
def dot(site: Site) -> Plan:
    """The same without quantizers."""
    equation, output = _dot(site)
    return Plan(output=output, config={"equation": equation})


@reads("QEinsum")
def einsum(site: Site) -> Plan:
    """Products of inputs by an equation."""
    operands = range(len(tensors(site)))
    equation, _, output = contracted(site, site.options.text("equation"), operands)
    return _quantized(site, {"equation": equation}, output)


@reads("Concatenate", package="keras")
@reads("Concatenate", package="ops")
def concatenate(site: Site) -> Plan:
    """The inputs one behind the other along an axis."""
    shapes = tensors(site, "xs")
    rank = len(shapes[0]) + 1
    axis = site.options.raw("axis", -1)
    if not is_whole(axis) or not -rank < axis < rank or axis % rank == 0:
        site.options.wrong(
            "axis", f"an axis of the inputs behind the batch, {1 - rank} to {rank - 1}"
        )
    axis = axis % rank - 1
    first = shapes[0]
    if any(_without(shape, axis) != _without(first, axis) for shape in shapes):
        site.options.bad(f"inputs of shapes {value_shown(list(shapes))} do not fit on axis {axis}")
    total = sum(shape[axis] for shape in shapes)
    return Plan(output=(*first[:axis], total, *first[axis + 1 :]), config={"axis": axis})


def contracted(
    site: Site, text: str, operands: Sequence[Operand]
) -> tuple[str, tuple[Operand, ...], Shape]:
    """An equation, explicit and without batch, its operands, and the shape of its result.

    Constants lose an axis of one that stands for the batch.
    """
    is_tensor = [isinstance(operand, int) for operand in operands]
    ranks = [
        len(site.without_batch(operand)) + tensor
        for operand, tensor in zip(operands, is_tensor, strict=True)
    ]
    try:
        equation = contraction.explicit(text, ranks)
        bare = contraction.without_batch(equation, is_tensor)
        terms = bare.split("->")[0].split(",")
        ready = tuple(
            _without_leading(operand, len(term))
            for operand, term in zip(operands, terms, strict=True)
        )
        sizes = contraction.label_sizes(bare, [site.without_batch(each) for each in ready])
    except BadEquation as problem:
        site.options.bad(f"equation {value_shown(text)} {problem}")
    except UnsupportedEquation as problem:
        site.unsupported(
            f"equation {value_shown(text)} {problem}",
            "Keep the batch axis first in every tensor and in the result, with a label of its own.",
        )
    return bare, ready, tuple(sizes[label] for label in bare.split("->")[1])


def _without_leading(operand: Operand, rank: int) -> Operand:
    """A constant without the axis of one that meets the batch."""
    if isinstance(operand, int) or operand.ndim == rank:
        return operand
    if operand.shape[0] != 1:
        raise UnsupportedEquation("mixes the samples of the batch")
    return operand[0]


def _quantized(site: Site, config: dict[str, str], output: Shape) -> Plan:
    return Plan(
        output=output,
        config=config,
        variables=ebops_variables(site),
        slots=(*input_slots(site), *output_slots(site, output)),
    )


def _dot(site: Site) -> tuple[str, Shape]:
    _check_pair(site)
    if site.options.boolean("normalize", default=False):
        site.unsupported(
            "with normalize it divides by the length of its inputs, which has no exact form",
            "Normalize before training, or train without it.",
        )
    shapes = tensors(site)
    axes = _dot_axes(site, [len(shape) + 1 for shape in shapes])
    text = contraction.batch_dot(len(shapes[0]) + 1, len(shapes[1]) + 1, axes)
    if shapes[0][axes[0] - 1] != shapes[1][axes[1] - 1]:
        site.options.bad(
            f"inputs of shapes {value_shown(list(shapes))} differ in the axes {list(axes)} that "
            f"are summed over"
        )
    equation, _, output = contracted(site, text, range(2))
    return equation, output or (1,)


def _dot_axes(site: Site, ranks: list[int]) -> tuple[int, int]:
    """Counted with the batch, which comes first."""
    given = plain_list(site.options.raw("axes", -1))
    axes = given if isinstance(given, list) else [given, given]
    if len(axes) != 2 or not all(
        is_whole(axis) and -rank < axis < rank and axis
        for axis, rank in zip(axes, ranks, strict=True)
    ):
        site.options.wrong("axes", "an axis behind the batch, or one for each of two inputs")
    return axes[0] % ranks[0], axes[1] % ranks[1]


def _check_pair(site: Site) -> None:
    if len(site.shapes) != 2:
        site.options.bad(f"the layer has {len(site.shapes)} inputs where it takes two")


def _broadcast(site: Site) -> Shape:
    try:
        return np.broadcast_shapes(*tensors(site))
    except ValueError:
        site.options.bad(f"inputs of shapes {value_shown(list(site.shapes))} do not broadcast")


def _without(shape: Shape, axis: int) -> tuple[int, Shape]:
    """What must agree: the number of axes, and all extents but one."""
    return len(shape), (*shape[:axis], *shape[axis + 1 :])
