"""Einsum of wires with a constant kernel, as blocks of matrix products.

Labels of an equation fall into four kinds: shared (in all three operands,
like a batch), free of the data, free of the kernel, and contracted. For each
shared and free data index there is one block ``row @ matrix``.
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import UnsupportedLayer
from ..fixed import ExactArray
from .fixed_array import FixedArray


def einsum(equation: str, x: FixedArray, kernel: ExactArray, where: str) -> FixedArray:
    """``numpy.einsum(equation, x, kernel)`` with exact constants.

    Parameters
    ----------
    equation : explicit, without ellipsis and without batch label
        For example ``ab,bc->ac``.
    x : FixedArray, shape by the first operand's labels
    kernel : ExactArray, shape by the second operand's labels

    Raises
    ------
    UnsupportedLayer
        If a label repeats within one operand.
    """
    operands, result = equation.split("->")
    data, weights = operands.split(",")
    for labels in (data, weights, result):
        if len(set(labels)) != len(labels):
            raise UnsupportedLayer(
                f"{where}: equation {equation!r} repeats a label within one operand. "
                "Write it as a plain contraction."
            )
    size = dict(zip(data + weights, x.shape + kernel.shape, strict=True))
    shared = [c for c in result if c in data and c in weights]
    free_data = [c for c in result if c in data and c not in weights]
    free_kernel = [c for c in result if c in weights and c not in data]
    contracted = [c for c in data if c in weights and c not in result]
    x, data = _sum_alone(x, data, weights + result)
    kernel, weights = _sum_alone_constant(kernel, weights, data + result)

    def count(labels: list[str]) -> int:
        return math.prod(size[c] for c in labels)

    rows = x.transpose([data.index(c) for c in shared + free_data + contracted])
    rows = rows.reshape((count(shared), count(free_data), count(contracted)))
    matrices = kernel.transpose(tuple(weights.index(c) for c in shared + contracted + free_kernel))
    matrices = matrices.reshape(count(shared), count(contracted), count(free_kernel))
    blocks = [rows[s] @ matrices[s] for s in range(count(shared))]
    out = FixedArray.concatenate(blocks, axis=0)
    order = shared + free_data + free_kernel
    out = out.reshape(tuple(size[c] for c in order))
    return out.transpose([order.index(c) for c in result])


def _sum_alone(x: FixedArray, labels: str, others: str) -> tuple[FixedArray, str]:
    """Sum `x` over labels that occur nowhere else."""
    for c in [c for c in labels if c not in others]:
        axis = labels.index(c)
        moved = x.transpose([n for n in range(x.ndim) if n != axis] + [axis])
        ones = np.ones((x.shape[axis], 1), np.int64)
        summed = moved @ ExactArray(ones, np.zeros_like(ones))
        x, labels = summed.reshape(moved.shape[:-1]), labels.replace(c, "")
    return x, labels


def _sum_alone_constant(kernel: ExactArray, labels: str, others: str) -> tuple[ExactArray, str]:
    for c in [c for c in labels if c not in others]:
        axis = labels.index(c)
        finest = int(kernel.exponent.min())
        mantissa = kernel.mantissa.astype(object) << (kernel.exponent - finest).astype(object)
        summed = np.asarray(mantissa.sum(axis=axis))
        kernel = ExactArray(summed, np.full(summed.shape, finest, np.int64))
        labels = labels.replace(c, "")
    return kernel, labels
