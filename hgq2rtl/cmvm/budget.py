"""How much of the search each block of a model gets, counted so that every machine agrees.

A block alone may take a second; a model has a hundred of them, and its user
waits. What a model may take grows with its bits up to a bound, and is spread
over the blocks in proportion to theirs, those of equal copies together: a
search gains with the logarithm of its length, and a LUT saved in a block is
saved in each copy of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .options import Options
from .problem import Problem, Task
from .solver import EFFORTS, search_steps

WORK_PER_BIT = 300
"""Of the search at ``default``, in units of `step_work`: a network of 13,000 EBOPs has 10,000
bits, so it takes 3 CPU seconds, and saves 5 % of the LUTs; twice as many save 0.3 % more."""
MOST_WORK = 24_000_000
"""Of one model at ``default``: on two cores 12 seconds at most."""


def spread(problems: Sequence[Problem], options: Options) -> list[Task]:
    """Tasks for `problems`, which share what `options.effort` allows for one model.

    Where ``options.iterations`` is given each problem gets these, and at ``fast`` none.
    """
    if options.effort == "fast" or options.iterations is not None:
        return [Task(problem, options) for problem in problems]
    contents = [problem.content for problem in problems]
    distinct = dict(zip(contents, problems, strict=True))
    steps = _steps(list(distinct.values()), Counter(contents), options)
    chosen = dict(zip(distinct, steps, strict=True))
    return [
        Task(problem, replace(options, iterations=chosen[content]))
        for problem, content in zip(problems, contents, strict=True)
    ]


def _steps(problems: Sequence[Problem], copies: Counter[str], options: Options) -> list[int]:
    """Search steps of each of `problems`, which differ from each other."""
    effort = EFFORTS[options.effort]
    weights = [bits_to_share(problem) * copies[problem.content] for problem in problems]
    budget = effort.times * min(WORK_PER_BIT * sum(weights), MOST_WORK)
    prices = [step_work(problem) for problem in problems]
    alone = [effort.times * search_steps(problem.matrix) for problem in problems]
    most = [steps * price for steps, price in zip(alone, prices, strict=True)]
    shares = shared(budget, weights, most)
    return [rounded(share // price) for share, price in zip(shares, prices, strict=True)]


def bits_to_share(problem: Problem) -> int:
    """Bits of the terms among which sums may be shared: digits times the widths of their inputs.

    An input that occurs once shares nothing, and neither does an output of two terms: a search
    over sums of separate inputs (a mean over particles) found nothing in seconds.
    """
    digits = np.where(problem.digits.sum(axis=0) > 2, problem.digits, 0)
    occurrences = digits.sum(axis=1)
    return int((np.where(occurrences > 1, occurrences, 0) * problem.widths).sum())


def expected_work(task: Task) -> int:
    """Of one task, in units of `step_work`, a little for its first graph included."""
    steps = task.options.iterations
    if steps is None:
        steps = EFFORTS[task.options.effort].times * search_steps(task.problem.matrix)
    return (steps + 50) * step_work(task.problem)


def step_work(problem: Problem) -> int:
    """What a step of the search costs, in about microseconds of a core of 2020.

    Fitted to blocks of 6x11 to 128x16: a step works on the digits of a few outputs, in pairs, and
    looks at every node once. Within a factor of two, which is near enough to spread a budget.
    """
    digits, columns = int(problem.digits.sum()), max(1, problem.matrix.shape[1])
    each = -(-digits // columns)
    return 1 + (30 * each + each * each) // 10 + digits // 25


def shared(budget: int, weights: Sequence[int], most: Sequence[int]) -> list[int]:
    """Parts of `budget` in proportion to `weights`, none above its bound in `most`.

    What some cannot use is shared among the others, likewise.
    """
    parts = [0] * len(weights)
    # By how soon a bound is met: then each part is final when its turn comes.
    order = sorted(range(len(weights)), key=lambda n: most[n] / max(1, weights[n]))
    weight = sum(weights)
    for n in order:
        parts[n] = min(most[n], budget * weights[n] // weight) if weight else 0
        budget -= parts[n]
        weight -= weights[n]
    return parts


def rounded(steps: int) -> int:
    """`steps` cut to three binary digits: a small change of a model leaves most blocks as they
    were, so that the cache knows them."""
    unit = 1 << max(0, steps.bit_length() - 3)
    return steps // unit * unit
