"""Many problems at once: each solved once, the same on any number of threads, and stoppable."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from hgq2rtl.cmvm import many
from hgq2rtl.cmvm.cache import Cache
from hgq2rtl.cmvm.many import solve_all, solve_tasks
from hgq2rtl.cmvm.options import Options
from hgq2rtl.cmvm.problem import Problem, Task
from hgq2rtl.cmvm.solver import solve


def problems(count, seed=0):
    """Different ones of different sizes."""
    dice = np.random.default_rng(seed)
    return [
        Problem(dice.integers(-7, 8, (n % 5 + 2, n % 3 + 2)), ((-128, 127),) * (n % 5 + 2))
        for n in range(count)
    ]


FAST = Options("fast")


@pytest.fixture
def solved(monkeypatch):
    """The problems that the solver was given."""
    seen = []

    def counted(matrix, inputs, options=None, arrivals=None, should_stop=None):
        seen.append(matrix)
        return solve(matrix, inputs, options, arrivals, should_stop)

    monkeypatch.setattr(many, "solve", counted)
    return seen


def test_graphs_come_in_the_order_of_their_problems():
    """Catches the order in which threads end, or that of their sizes."""
    asked = problems(12)
    for problem, graph in zip(asked, solve_all(asked, FAST), strict=True):
        assert graph.matrix().tolist() == problem.matrix.tolist()


def test_equal_problems_are_solved_once(solved):
    """Catches a layer over many positions that is solved at each."""
    [one, other] = problems(2)
    twin = Problem(one.matrix.astype(object), tuple(one.inputs), (0,) * len(one.inputs))
    graphs = solve_all([one, other, twin, one], FAST)
    assert len(solved) == 2
    assert graphs[0] is graphs[2] is graphs[3] and graphs[0] != graphs[1]


def test_equal_matrices_of_other_intervals_or_arrivals_are_not_equal(solved):
    """Catches a key of the matrix alone."""
    [one] = problems(1)
    narrow = Problem(one.matrix, ((0, 1),) * len(one.inputs))
    late = Problem(one.matrix, one.inputs, (2, *(0,) * (len(one.inputs) - 1)))
    solve_all([one, narrow, late], FAST)
    assert len(solved) == 3


def test_arrivals_that_differ_alike_are_equal(solved):
    """Catches a block that is solved again because all of it comes later."""
    [one] = problems(1)
    last = (0,) * (len(one.inputs) - 1)
    asked = [Problem(one.matrix, one.inputs, (5,) * len(one.inputs)), one]
    asked += [
        Problem(one.matrix, one.inputs, (3 + late, *(n + late for n in last)))
        for late in (0, 4, -9)
    ]
    graphs = solve_all(asked, FAST)
    assert len(solved) == 2
    assert graphs[0] is graphs[1] and graphs[2] is graphs[3] is graphs[4]


@pytest.mark.parametrize("options", [FAST, Options("default"), Options(iterations=50)])
def test_threads_do_not_change_a_graph(options):
    """Catches a state that solves share, and a budget that depends on the machine."""
    asked = problems(9) * 2
    alone = solve_all(asked, options, threads=1)
    assert solve_all(asked, options, threads=7) == alone
    assert solve_all(asked, options) == alone


def test_the_cache_does_not_change_a_graph(tmp_path, solved):
    """Catches an entry that answers for another search; and one that is not used."""
    cache = Cache(tmp_path)
    asked = problems(6)
    fresh = solve_all(asked, FAST)
    assert solve_all(asked, FAST, cache) == fresh
    assert len(solved) == 12
    assert solve_all(asked, FAST, cache) == fresh
    assert len(solved) == 12
    for path in tmp_path.iterdir():
        path.write_text("damaged")
    assert solve_all(asked, FAST, cache) == fresh
    assert len(solved) == 18


def test_the_cache_stays_bounded(tmp_path):
    """Catches a bound that nobody applies."""
    solve_all(problems(6), FAST, Cache(tmp_path, largest=1000))
    assert 0 < sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1000


def test_progress_counts_different_problems_in_the_callers_thread():
    """Catches a bar that runs past its end, and calls from a thread of the pool."""
    seen = []

    def progress(done, total):
        assert threading.current_thread() is threading.main_thread()
        seen.append((done, total))

    solve_all(problems(4) * 3, FAST, progress=progress)
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_no_problem_is_no_work():
    assert solve_all([], FAST) == []


def test_each_task_has_its_own_options():
    """Catches the options of the first for all."""
    [problem] = problems(1)
    tasks = [Task(problem, Options("fast", depth_slack=slack)) for slack in (0, 3)]
    deep = Problem(np.ones((9, 1), np.int64), tuple((0, 2**n) for n in range(9)))
    tasks += [Task(deep, Options("fast", depth_slack=slack)) for slack in (0, 9)]
    expected = [solve(t.problem.matrix, t.problem.inputs, t.options) for t in tasks]
    assert solve_tasks(tasks) == expected


# -- stopping --------------------------------------------------------------------------


def until_stopped(matrix, inputs, options=None, arrivals=None, should_stop=None):
    """A search without end."""
    deadline = time.monotonic() + 20
    while not should_stop():
        assert time.monotonic() < deadline, "nobody stopped the search"
        time.sleep(0.001)
    return solve(matrix, inputs, FAST)


def test_a_stop_ends_every_search_and_its_graphs_are_not_kept(tmp_path, monkeypatch):
    """Catches a cache that answers for ever with what an interrupt left."""
    monkeypatch.setattr(many, "solve", until_stopped)
    calls = []

    def should_stop():
        calls.append(None)
        return len(calls) > 20

    asked = problems(5)
    graphs = solve_all(asked, FAST, Cache(tmp_path), should_stop=should_stop)
    assert [g.matrix().tolist() for g in graphs] == [p.matrix.tolist() for p in asked]
    assert list(tmp_path.iterdir()) == []


def test_a_stop_that_came_too_late_costs_nothing(tmp_path, solved):
    """Catches a finished search that is thrown away."""
    asked = problems(2)
    solve_all(asked, FAST, Cache(tmp_path), should_stop=lambda: False)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, ArithmeticError])
def test_trouble_in_the_caller_leaves_no_thread(monkeypatch, trouble):
    """Catches a search that goes on after its command has ended."""
    first, *others = sorted(problems(4), key=lambda problem: -problem.digits.sum())

    def sometimes(matrix, *arguments):
        if matrix is first.matrix:
            return solve(matrix, *arguments)
        return until_stopped(matrix, *arguments)

    def progress(done, total):
        raise trouble

    monkeypatch.setattr(many, "solve", sometimes)
    before = threading.active_count()
    with pytest.raises(trouble):
        solve_all([first, *others], FAST, progress=progress, threads=2)
    assert threading.active_count() == before


def test_a_defect_of_the_solver_is_seen(monkeypatch):
    """Catches an exception that stays in its thread."""

    def wrong(matrix, *arguments):
        raise ArithmeticError("the adder graph does not equal its matrix: please report this")

    monkeypatch.setattr(many, "solve", wrong)
    with pytest.raises(ArithmeticError):
        solve_all(problems(3), FAST)
