"""What a model may search, and how its blocks share it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, tuples

from hgq2rtl.cmvm.budget import (
    MOST_WORK,
    WORK_PER_BIT,
    bits_to_share,
    rounded,
    shared,
    spread,
    step_work,
)
from hgq2rtl.cmvm.csd import signed_digits
from hgq2rtl.cmvm.options import Options
from hgq2rtl.cmvm.problem import Problem
from hgq2rtl.cmvm.solver import EFFORTS, search_steps


def problem(n_in, n_out, bits=8, seed=0):
    dice = np.random.default_rng(seed)
    matrix = dice.integers(-(2 ** (bits - 1)) + 1, 2 ** (bits - 1), (n_in, n_out))
    return Problem(matrix, ((-128, 127),) * n_in)


def steps(problems, effort="default"):
    return [task.options.iterations for task in spread(problems, Options(effort))]


def test_digits_are_those_of_the_sums():
    """By the definition of signed digits; catches a count of ones."""
    matrix = np.array([[7, -5, 0], [2**80 - 1, 3, -1]], object)
    asked = Problem(matrix, ((0, 15), (-3, 3)))
    assert asked.digits.tolist() == [[len(signed_digits(c)) for c in row] for row in matrix]
    assert asked.widths.tolist() == [4, 3]


@pytest.mark.parametrize(
    ("matrix", "bits"),
    [
        ([[1, 0], [1, 0], [1, 0], [0, 1]], 0),  # sums of separate inputs
        ([[1, 1], [1, -1]], 0),  # sums of two
        ([[1, 1], [1, 1], [1, 0]], 0),  # a sum of two is there whatever is searched
        ([[1, 1, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], 9 * 4),
        ([[5], [5], [1]], 4 * 4),
    ],
)
def test_only_what_may_be_shared_is_searched_for(matrix, bits):
    """Catches a quarter of the budget of a model for its means over particles."""
    assert bits_to_share(Problem(np.array(matrix), ((-8, 7),) * len(matrix))) == bits


def test_blocks_of_a_model_share_a_budget_by_their_bits():
    """Catches a second for each of a hundred blocks."""
    asked = [problem(16, 16, seed=n) for n in range(8)] + [problem(6, 11, 4)]
    work = [n * step_work(p) for n, p in zip(steps(asked), asked, strict=True)]
    assert sum(work) <= min(MOST_WORK, WORK_PER_BIT * sum(map(bits_to_share, asked)))
    assert sum(work) > WORK_PER_BIT * sum(map(bits_to_share, asked)) / 4 or all(
        n >= rounded(search_steps(p.matrix)) for n, p in zip(steps(asked), asked, strict=True)
    )


def test_a_large_model_does_not_search_for_ever():
    """Catches minutes for a model of a thousand blocks."""
    asked = [problem(24, 24, seed=n) for n in range(60)]
    assert WORK_PER_BIT * sum(map(bits_to_share, asked)) > MOST_WORK
    work = [n * step_work(p) for n, p in zip(steps(asked), asked, strict=True)]
    assert MOST_WORK / 2 < sum(work) <= MOST_WORK


def test_best_searches_ten_times_as_long():
    asked = [problem(24, 24, seed=n) for n in range(40)]
    ratios = [b / d for d, b in zip(steps(asked), steps(asked, "best"), strict=True)]
    assert all(6 < ratio < 15 for ratio in ratios)


def test_a_block_that_occurs_often_gets_more():
    """A LUT saved in it is saved in each copy; catches a budget of the matrix alone."""
    often, once = problem(24, 24, seed=0), problem(24, 24, seed=1)
    filler = [problem(24, 24, seed=n) for n in range(2, 60)]
    found = steps([often] * 4 + [once, *filler])
    assert found[0] == found[3] > 2 * found[4] > 0


def test_no_block_gets_more_than_alone():
    """Catches a search far beyond its gain, where one block is the model."""
    for effort in ("default", "best"):
        [found] = steps([problem(3, 3)] * 100, effort)[:1]
        assert 0 < found <= EFFORTS[effort].times * search_steps(problem(3, 3).matrix)


def test_a_small_change_elsewhere_leaves_most_blocks_alone():
    """The cache knows a block by its steps, too: catches steps without rounding."""
    asked = [problem(12 + n % 7, 12, seed=n) for n in range(30)]
    before, after = steps(asked), steps([*asked, problem(3, 3, 4, seed=99)])
    assert sum(a == b for a, b in zip(before, after, strict=False)) > 20


@pytest.mark.parametrize(
    "options", [Options("fast"), Options(iterations=7), Options("best", iterations=0)]
)
def test_what_is_asked_for_is_not_changed(options):
    """Catches a budget where the user gave one."""
    assert all(task.options == options for task in spread([problem(3, 4), problem(5, 5)], options))


def test_nothing_needs_nothing():
    assert spread([], Options()) == []
    assert steps([Problem(np.zeros((0, 0), np.int64), ())]) == [0]
    assert steps([Problem(np.zeros((2, 2), np.int64), ((0, 1), (0, 1)))]) == [0]


bounds = tuples(integers(0, 1000), integers(0, 10**6))


@settings(derandomize=True, deadline=None)
@given(budget=integers(0, 10**6), parts=lists(bounds, min_size=1, max_size=12))
def test_shares_are_fair(budget, parts):
    """Within the budget and the bounds; who is below the bound has the same share by weight."""
    weights, most = map(list, zip(*parts, strict=True))
    found = shared(budget, weights, most)
    assert sum(found) <= budget
    assert all(0 <= part <= bound for part, bound in zip(found, most, strict=True))
    free = [n for n in range(len(parts)) if found[n] < most[n] and weights[n]]
    left = budget - sum(found) + sum(found[n] for n in free)
    level = left / max(1, sum(weights[n] for n in free))
    assert all(abs(found[n] - level * weights[n]) <= len(parts) for n in free)


@given(steps=integers(0, 10**12))
def test_rounding_keeps_an_eighth(steps):
    assert steps * 3 / 4 < rounded(steps) + 1 <= steps + 1
    assert rounded(rounded(steps)) == rounded(steps)
