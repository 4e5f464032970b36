"""Einsum with a constant kernel is ``numpy.einsum``, for every kind of label."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hgq2rtl.fixed import exact
from hgq2rtl.lowering.products import einsum

from .test_fixed_array import assert_computes, begun

SIZES = {"a": 2, "b": 3, "c": 4, "d": 2, "e": 3}


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
        lambda x: einsum(equation, x, exact(kernel)),
        lambda x: np.einsum(equation, x, on_fractions, optimize=False),
    )


@pytest.mark.parametrize("equation", ["aa,ab->b", "ab,bb->a", "aab,bc->ac"])
def test_a_label_twice_in_one_operand_is_its_diagonal(equation):
    """Catches a diagonal that is taken for a sum."""
    data, labels = equation.split("->")[0].split(",")
    kernel = kernel_of(labels)
    on_fractions = np.vectorize(Fraction, otypes=[object])(kernel)
    assert_computes(
        tuple(SIZES[c] for c in data),
        lambda x: einsum(equation, x, exact(kernel)),
        lambda x: np.einsum(equation, x, on_fractions, optimize=False),
    )


def test_an_equation_that_does_not_fit_is_an_error():
    x = begun((2, 3), np.random.default_rng(0))
    for equation, message in {
        "ab,bc->ac": "equation 'ab,bc->ac' gives axis 'b' two sizes",
        "abc,bc->a": "equation 'abc,bc->a' does not fit an operand of shape (2, 3)",
        "ab->a": "equation 'ab->a' does not take 2 operands",
    }.items():
        with pytest.raises(ValueError) as error:
            einsum(equation, x, np.ones((2, 2)))
        assert str(error.value) == message


def test_positions_are_blocks_of_their_own():
    """Equal blocks are solved once later: catches one block over all positions."""
    x = begun((2, 3), np.random.default_rng(0))
    made = einsum("ab,bc->ac", x, exact(np.array([[3, 5], [7, 9], [5, 3]])))
    program = x.tracer.builder.build()
    groups = [[program[v].attributes["group"] for v in row] for row in made.wires.tolist()]
    assert groups[0][0] == groups[0][1] != groups[1][0] == groups[1][1]
