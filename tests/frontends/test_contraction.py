"""Equations of products are NumPy's, whatever the ranks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hgq2rtl.frontends import contraction
from hgq2rtl.frontends.einsum import BadEquation, UnsupportedEquation


def array(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(len(shape)).integers(-9, 9, shape).astype(np.int64)


def assert_same(equation: str, wanted: np.ndarray, *arrays: np.ndarray) -> None:
    made = np.einsum(equation, *arrays)
    assert made.shape == wanted.shape, equation
    assert np.array_equal(made, wanted), equation


@pytest.mark.parametrize("ranks", list(itertools.product((1, 2, 3, 4), repeat=2)))
def test_matmul_dot_and_inner(ranks):
    """Catches labels that are paired wrongly for some ranks."""
    a, b = array((2,) * ranks[0]), array((2,) * ranks[1])
    assert_same(contraction.matmul(*ranks), np.matmul(a, b), a, b)
    assert_same(contraction.dot(*ranks), np.dot(a, b), a, b)
    assert_same(contraction.tensordot(*ranks, ([-1], [-1])), np.inner(a, b), a, b)


@pytest.mark.parametrize(
    "axes", [([], []), ([0], [1]), ([-1, 0], [1, 0]), ([1, 2, 0], [0, 2, 1]), ([2], [-3])]
)
def test_tensordot(axes):
    """Catches axes in the wrong order."""
    a, b = array((2, 2, 2)), array((2, 2, 2))
    assert_same(contraction.tensordot(3, 3, axes), np.tensordot(a, b, axes), a, b)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("ij,jk", [(2, 3), (3, 2)]),
        ("...i,ij->...j", [(2, 2, 3), (3, 2)]),
        ("i...,j...->ij...", [(2, 3, 2), (3, 3, 2)]),
        ("...ab,...b", [(4, 2, 3), (4, 3)]),
        ("...a,...a->...", [(2, 3, 4), (3, 4)]),
        (" b a , a -> b ", [(2, 3), (3,)]),
        ("ba", [(2, 3)]),
        ("aab->ab", [(2, 2, 3)]),
    ],
)
def test_equations_are_written_out(text, shapes):
    """Catches an ellipsis that is aligned at the wrong end, and a result in the wrong order."""
    arrays = [array(shape) for shape in shapes]
    equation = contraction.explicit(text, [len(shape) for shape in shapes])
    assert "." not in equation and "->" in equation and " " not in equation
    assert_same(equation, np.einsum(text, *arrays), *arrays)


@pytest.mark.parametrize(
    ("text", "ranks", "problem"),
    [
        ("ab", [2, 2], "does not take 2 operands"),
        ("a1,b->a", [2, 1], "is no einsum equation"),
        ("a..b->a", [3], "is no einsum equation"),
        ("ab->a", [3], "names 2 axes of an operand that has 3"),
        ("abc...->a", [2], "names 3 axes of an operand that has 2"),
        ("ab->aa", [2], "gives axes that repeat or are in no operand"),
        ("ab->c", [2], "gives axes that repeat or are in no operand"),
        ("ab->a->b", [2], "is no einsum equation"),
    ],
)
def test_equations_that_do_not_fit(text, ranks, problem):
    with pytest.raises(BadEquation) as error:
        contraction.explicit(text, ranks)
    assert str(error.value) == problem


@pytest.mark.parametrize(
    ("equation", "is_tensor", "bare"),
    [
        ("zab,zbc->zac", [True, True], "ab,bc->ac"),
        ("ab,zbc->zac", [False, True], "ab,bc->ac"),
        ("zab,zbc->zac", [False, True], "ab,bc->ac"),
        ("z,a->za", [True, False], ",a->a"),
    ],
)
def test_the_batch_label_is_stripped(equation, is_tensor, bare):
    assert contraction.without_batch(equation, is_tensor) == bare


@pytest.mark.parametrize(
    ("equation", "is_tensor"),
    [
        ("za,yb->zab", [True, True]),
        ("za,zb->ab", [True, True]),
        ("za,zb->azb", [True, True]),
        ("zz->z", [True]),
        ("za,az->za", [True, False]),
        ("a,za->a", [False, True]),
    ],
)
def test_samples_that_would_meet_are_refused(equation, is_tensor):
    """Catches a sum over the batch."""
    with pytest.raises(UnsupportedEquation) as error:
        contraction.without_batch(equation, is_tensor)
    assert str(error.value) == "mixes the samples of the batch"
