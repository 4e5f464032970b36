"""Einsum with a constant kernel is ``numpy.einsum``, for every kind of label."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hgq2rtl.errors import UnsupportedLayer
from hgq2rtl.fixed import exact
from hgq2rtl.lowering.einsum import einsum

from .test_fixed_array import assert_computes, begun

SIZES = {"a": 2, "b": 3, "c": 4, "d": 2, "e": 3}
PLACE = "e (QEinsumDense) in net.keras"


def kernel_of(labels: str) -> np.ndarray:
    rng = np.random.default_rng(len(labels))
    shape = [SIZES[c] for c in labels]
    return np.ldexp(rng.integers(-9, 10, shape).astype(float), rng.integers(-2, 3, shape))


@pytest.mark.parametrize(
    "equation",
    [
        "b,bc->c",  # dense
        "ab,bc->ac",
        "abc,cd->abd",  # an ellipsis, written out
        "abc,cbd->ad",  # two contracted
        "abc,cd->dab",  # the result transposed
        "abc,dc->adb",  # the kernel transposed
        "abc,bcd->abd",  # b shared, like a batch
        "ab,ab->ab",  # all shared
        "ab,ba->ba",
        "ab,ab->",  # all contracted
        "ab,abc->c",
        "a,b->ab",  # an outer product
        "a,b->ba",
        "ab,bc->c",  # a of the data alone
        "ab,c->c",
        "ab,bc->a",  # c of the kernel alone
        "ab,cb->b",
        "a,b->a",
        "a,b->",
        "ab,cd->",
        "abcd,ce->abed",  # channels in the middle
    ],
)
def test_einsum_is_numpys(equation):
    """Catches labels that are mixed up, summed twice or not at all."""
    operands, _ = equation.split("->")
    data, labels = operands.split(",")
    kernel = kernel_of(labels)
    on_fractions = np.vectorize(Fraction, otypes=[object])(kernel)
    assert_computes(
        tuple(SIZES[c] for c in data),
        lambda x: einsum(equation, x, exact(kernel), PLACE),
        lambda x: np.einsum(equation, x, on_fractions, optimize=False),
    )


@pytest.mark.parametrize("equation", ["aa,ab->b", "ab,bb->a", "ab,bc->aac"])
def test_a_label_twice_in_one_operand_is_refused(equation):
    """Catches a diagonal that is taken for a sum."""
    operands, _ = equation.split("->")
    data, labels = operands.split(",")
    x = begun(tuple(SIZES[c] for c in data), np.random.default_rng(0))
    with pytest.raises(UnsupportedLayer) as error:
        einsum(equation, x, exact(kernel_of(labels)), PLACE)
    assert str(error.value) == (
        f"{PLACE}: equation {equation!r} repeats a label within one operand. "
        "Write it as a plain contraction."
    )


def test_positions_are_blocks_of_their_own():
    """Equal blocks are solved once later: catches one block over all positions."""
    x = begun((2, 3), np.random.default_rng(0))
    made = einsum("ab,bc->ac", x, exact(np.array([[3, 5], [7, 9], [5, 3]])), PLACE)
    program = x.tracer.builder.build()
    groups = [[program[v].attributes["group"] for v in row] for row in made.wires.tolist()]
    assert groups[0][0] == groups[0][1] != groups[1][0] == groups[1][1]
