"""Graphs on disk: found again, believed nothing, bounded, and never a reason to fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import binary, integers, lists, sampled_from

from hgq2rtl.cmvm import AdderGraph, Node, solve
from hgq2rtl.cmvm.cache import Cache, is_sound
from hgq2rtl.cmvm.graph import ZERO, Output
from hgq2rtl.cmvm.options import Cost, Options
from hgq2rtl.cmvm.problem import Problem, Task
from hgq2rtl.machine import cache_folder

MATRIX = np.array([[3, -5, 0], [7, 2, 0]])
PROBLEM = Problem(MATRIX, ((-8, 7), (0, 15)))
TASK = Task(PROBLEM, Options("fast"))
GRAPH = solve(PROBLEM.matrix, PROBLEM.inputs, TASK.options)


@pytest.fixture
def store(tmp_path):
    return Cache(tmp_path / "graphs")


def entry(store):
    """The only file of a cache."""
    [path] = store._folder().iterdir()
    return path


def test_what_is_stored_is_found(store):
    """Catches a key or a format that does not come back as it went."""
    assert store.load(TASK) is None
    store.store(TASK, GRAPH)
    assert store.load(TASK) == GRAPH
    assert Cache(store._folder()).load(TASK) == GRAPH


@pytest.mark.parametrize("kind", [np.int32, np.int64, object])
def test_an_equal_problem_in_other_integers_is_the_same(store, kind):
    """Catches a key of bytes in memory."""
    store.store(TASK, GRAPH)
    same = Problem(MATRIX.astype(kind), tuple((np.int64(a), int(b)) for a, b in PROBLEM.inputs))
    assert store.load(Task(replace(same, arrivals=(0, 0)), Options("fast"))) == GRAPH


@pytest.mark.parametrize(
    "other",
    [
        Task(replace(PROBLEM, matrix=MATRIX.reshape(3, 2)), TASK.options),
        Task(replace(PROBLEM, matrix=-MATRIX), TASK.options),
        Task(replace(PROBLEM, inputs=((-8, 7), (0, 14))), TASK.options),
        Task(replace(PROBLEM, arrivals=(0, 1)), TASK.options),
        Task(PROBLEM, Options("default")),
        Task(PROBLEM, Options("fast", seed=1)),
        Task(PROBLEM, Options("fast", depth_slack=1)),
        Task(PROBLEM, Options("fast", iterations=0)),
        Task(PROBLEM, Options("fast", Cost("signed"))),
        Task(PROBLEM, Options("fast", Cost(carry_position=0.5))),
        Task(PROBLEM, Options("fast", Cost(has_three_operand_rows=True))),
    ],
)
def test_whatever_decides_a_graph_is_in_its_key(store, other):
    """Catches a graph that was solved for something else, though it may be correct."""
    store.store(TASK, GRAPH)
    assert store.load(other) is None


def test_another_solver_does_not_answer(store, monkeypatch):
    """Catches results of an older build in those of this one."""
    store.store(TASK, GRAPH)
    monkeypatch.setattr("hgq2rtl.cmvm.cache.solver_fingerprint", lambda: "of another build")
    assert store.load(TASK) is None


def test_coefficients_have_no_limit(store):
    """Catches 64 bits on the way to the file and back."""
    problem = Problem(np.array([[2**90 + 1, -(2**80)]], object), ((-(2**70), 2**70),))
    task = Task(problem, Options("fast"))
    graph = solve(problem.matrix, problem.inputs, task.options)
    store.store(task, graph)
    assert store.load(task) == graph


# -- entries that are not to be believed ---------------------------------------------


def test_a_wrong_graph_is_refused(store):
    """The proof is that of a fresh graph: catches a cache that is trusted."""
    store.store(TASK, GRAPH)
    data = json.loads(entry(store).read_text())
    data["outputs"][0][1] += 1
    entry(store).write_text(json.dumps(data))
    assert store.load(TASK) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        lambda text: text[: len(text) // 2],
        lambda text: b"\xff" + text,
        lambda text: b"[" * 200_000,
        lambda text: b"null",
        lambda text: b"[]",
        lambda text: b"{}",
        lambda text: text.replace(b"graph-1", b"graph-2"),
        lambda text: text.replace(b'"nodes":[[', b'"nodes":[[1e0,'),
        lambda text: text.replace(b'"inputs":2', b'"inputs":true'),
        lambda text: text.replace(b'"inputs":2', b'"inputs":1000000000'),
        lambda text: text.replace(b'"inputs":2', b'"inputs":-1'),
        lambda text: text.replace(b'"fused":[]', b'"fused":[2,2]'),
        lambda text: text.replace(b'"fused":[]', b'"fused":["2"]'),
        lambda text: text.replace(b'"nodes"', b'"notes"'),
        lambda text: text + b" " * (17 * 2**20),
    ],
)
def test_a_damaged_entry_is_solved_again(store, damage):
    """Catches an exception that reaches the user, and an endless or huge read."""
    store.store(TASK, GRAPH)
    path = entry(store)
    damaged = damage(path.read_bytes())
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    assert store.load(TASK) is None
    store.store(TASK, GRAPH)
    assert store.load(TASK) == GRAPH


@settings(derandomize=True, deadline=None, max_examples=60)
@given(noise=binary(max_size=200), place=integers(0, 300), cut=integers(0, 300))
def test_no_damage_raises_or_gives_another_product(tmp_path_factory, noise, place, cut):
    """Catches whatever the list above forgets."""
    store = Cache(tmp_path_factory.mktemp("noise"))
    store.store(TASK, GRAPH)
    path = entry(store)
    text = path.read_bytes()
    path.write_bytes(text[:place] + noise + text[place + cut :])
    found = store.load(TASK)
    assert found is None or found.matrix().tolist() == MATRIX.tolist()


numbers = sampled_from([-(2**70), -2, -1, 0, 1, 2, 3, 4, 63, 10**9])


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    nodes=lists(lists(numbers, min_size=6, max_size=6), max_size=4),
    outputs=lists(lists(numbers, min_size=3, max_size=3), min_size=3, max_size=3),
    fused=lists(numbers, max_size=2),
)
def test_no_graph_of_integers_is_evaluated_before_it_is_bounded(nodes, outputs, fused):
    """Catches a shift by a thousand million, a cycle, and an operand that is not there."""
    graph = AdderGraph(
        2, tuple(Node(*n) for n in nodes), tuple(Output(*o) for o in outputs), tuple(fused)
    )
    assert not is_sound(graph, TASK) or graph.matrix().tolist() == MATRIX.tolist()


SUM = Node(0, 0, 1, 1, 0, 1)
THREE = Task(Problem(np.array([[2, 1], [1, 1]]), ((0, 7), (0, 7))), Options(depth_slack=1))


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (AdderGraph(2, (SUM, Node(0, 0, 1, 2, 0, 1)), (Output(3, 0, 1), Output(2, 0, 1))), True),
        # The sum that joins its reader is an output too.
        (
            AdderGraph(2, (SUM, Node(0, 0, 1, 2, 0, 1)), (Output(3, 0, 1), Output(2, 0, 1)), (2,)),
            False,
        ),
        (
            AdderGraph(
                2, (SUM, SUM, Node(0, 0, 1, 2, 0, 1)), (Output(4, 0, 1), Output(3, 0, 1)), (2,)
            ),
            True,
        ),
        # An input cannot join, nor can what nobody reads.
        (
            AdderGraph(2, (SUM, Node(0, 0, 1, 2, 0, 1)), (Output(3, 0, 1), Output(2, 0, 1)), (0,)),
            False,
        ),
        (
            AdderGraph(2, (SUM, Node(0, 0, 1, 2, 0, 1)), (Output(3, 0, 1), Output(2, 0, 1)), (3,)),
            False,
        ),
        # Both operands of a sum are no shifted alike, no two negative.
        (
            AdderGraph(
                2,
                (Node(0, 1, 1, 1, 1, 1), Node(0, 1, 1, 1, 0, 1)),
                (Output(3, 0, 1), Output(2, -1, 1)),
            ),
            False,
        ),
        (
            AdderGraph(
                2,
                (Node(0, 0, -1, 1, 0, -1), Node(0, 1, 1, 1, 0, 1)),
                (Output(3, 0, 1), Output(2, 0, -1)),
            ),
            False,
        ),
        (AdderGraph(2, (SUM,), (Output(2, 0, 1), Output(ZERO, 0, 1))), False),
        (AdderGraph(3, (), ()), False),
    ],
)
def test_what_later_stages_rely_on_is_checked(graph, expected):
    """Catches a graph that is equal to its matrix and yet cannot be built."""
    assert is_sound(graph, THREE) is expected


def test_a_row_takes_in_one_sum_only():
    """Catches a row of four operands, as two fused sums or as a chain of them."""
    problem = Problem(np.ones((4, 1), int), ((0, 7),) * 4)
    task = Task(problem, Options(depth_slack=1))
    pairs = (Node(0, 0, 1, 1, 0, 1), Node(2, 0, 1, 3, 0, 1), Node(4, 0, 1, 5, 0, 1))
    chain = (Node(0, 0, 1, 1, 0, 1), Node(2, 0, 1, 4, 0, 1), Node(3, 0, 1, 5, 0, 1))
    for nodes in (pairs, chain):
        graph = AdderGraph(4, nodes, (Output(6, 0, 1),))
        assert is_sound(replace(graph, fused=(4,)), task)
        assert is_sound(replace(graph, fused=(5,)), task)
        assert not is_sound(replace(graph, fused=(4, 5)), task)


def test_a_graph_too_deep_is_refused():
    """Catches a correct entry that breaks the bound on levels."""
    chain = AdderGraph(
        4,
        (Node(0, 0, 1, 1, 0, 1), Node(2, 0, 1, 4, 0, 1), Node(3, 0, 1, 5, 0, 1)),
        (Output(6, 0, 1),),
    )
    problem = Problem(np.ones((4, 1), int), ((0, 7),) * 4)
    assert is_sound(chain, Task(problem, Options(depth_slack=1)))
    assert not is_sound(chain, Task(problem, Options(depth_slack=0)))
    late = replace(problem, arrivals=(3, 0, 0, 0))
    assert not is_sound(chain, Task(late, Options(depth_slack=1)))
    assert is_sound(chain, Task(late, Options(depth_slack=2)))


# -- the folder ----------------------------------------------------------------------


def test_without_a_folder_it_is_the_users(monkeypatch, tmp_path):
    """Catches graphs beside the working directory, and a user's cache that cannot be moved."""
    monkeypatch.setenv("HGQ2RTL_CACHE", str(tmp_path / "mine"))
    Cache().store(TASK, GRAPH)
    assert (tmp_path / "mine" / "cmvm").is_dir()
    assert cache_folder() == tmp_path / "mine"


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    """Catches the error of ``Path.home`` in a bare container."""
    for name in ("HGQ2RTL_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def no_home():
        raise RuntimeError("no home")

    monkeypatch.setattr("pathlib.Path.home", no_home)
    nowhere = Cache()
    nowhere.store(TASK, GRAPH)
    nowhere.trim()
    assert nowhere.load(TASK) is None


@pytest.mark.parametrize("trouble", ["a file", "a folder for the entry", "a pipe", "a loop"])
def test_a_folder_that_cannot_be_used_is_no_error(tmp_path, trouble):
    """Catches a compile that fails for its cache, or waits for ever for a pipe."""
    store = Cache(tmp_path / "graphs")
    path = store._path(TASK)
    if trouble == "a file":
        store._folder().write_text("not a folder")
    else:
        store._folder().mkdir()
    match trouble:
        case "a folder for the entry":
            path.mkdir()
            (path / "inside").write_text("")
        case "a pipe":
            os.mkfifo(path)
        case "a loop":
            path.symlink_to(path)
    assert store.load(TASK) is None
    store.store(TASK, GRAPH)
    store.trim()


def test_a_folder_without_write_permission_is_no_error(tmp_path, monkeypatch):
    """Tests may run as root, for whom every folder can be written: so the system says no."""
    store = Cache(tmp_path)
    store.store(TASK, GRAPH)

    def refuse(*arguments, **named):
        raise PermissionError(13, "Permission denied")

    for name in ("os.utime", "os.replace", "os.unlink", "tempfile.mkstemp"):
        monkeypatch.setattr(name, refuse)
    assert store.load(TASK) == GRAPH
    store.store(Task(PROBLEM, Options("best")), GRAPH)
    Cache(tmp_path, largest=0).trim()


def test_a_failed_write_leaves_nothing(store, monkeypatch):
    """Catches temporary files that pile up."""

    def refuse(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    store.store(TASK, GRAPH)
    assert list(store._folder().iterdir()) == []


def numbered(n):
    return Task(PROBLEM, Options("fast", seed=n))


def test_what_was_used_least_lately_goes_first(store):
    """Catches a folder that grows for ever, and one that drops what is in use."""
    for n in range(10):
        store.store(numbered(n), GRAPH)
        os.utime(store._path(numbered(n)), (n, n))
    assert store.load(numbered(0)) == GRAPH  # used again
    size = store._path(numbered(0)).stat().st_size
    store.largest = 4 * size
    store.trim()
    kept = [n for n in range(10) if store.load(numbered(n))]
    assert kept == [0, 7, 8, 9]


def test_within_its_bound_nothing_goes(store):
    store.store(TASK, GRAPH)
    store.largest = entry(store).stat().st_size
    store.trim()
    assert store.load(TASK) == GRAPH


def test_a_graph_larger_than_the_cache_is_not_kept(tmp_path):
    """Catches one that pushes out all others and then itself."""
    store = Cache(tmp_path, largest=20)
    store.store(TASK, GRAPH)
    assert list(tmp_path.iterdir()) == []


WRITER = """
import sys
from pathlib import Path
import numpy as np
from hgq2rtl.cmvm.cache import Cache
from hgq2rtl.cmvm.options import Options
from hgq2rtl.cmvm.problem import Problem, Task
from hgq2rtl.cmvm import solve

store = Cache(Path(sys.argv[1]), largest=int(sys.argv[2]))
matrix = np.arange(-40, 41).reshape(9, 9) * 37
problem = Problem(matrix, ((-128, 127),) * 9)
graph = solve(matrix, problem.inputs, Options("fast"))
found = 0
for n in range(150):
    task = Task(problem, Options("fast", seed=n % 7))
    known = store.load(task)
    assert known is None or known == graph
    found += known is not None
    store.store(task, graph)
    if n % 10 == 0:
        store.trim()
print(found)
"""


def test_processes_share_a_folder(tmp_path):
    """Catches half an entry, and a file that another process removes between two steps."""
    command = [sys.executable, "-c", WRITER, str(tmp_path / "graphs"), "20000"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert all(int(text) > 0 for text in outputs)
    left = list((tmp_path / "graphs").iterdir())
    assert all(path.suffix == ".json" for path in left)
    Cache(tmp_path / "graphs", largest=20000).trim()
    assert sum(path.stat().st_size for path in (tmp_path / "graphs").iterdir()) <= 20000


def test_a_known_graph_costs_less_than_a_search(store):
    """Catches a proof or a format that is slower than solving again."""
    dice = np.random.default_rng(0)
    problem = Problem(dice.integers(-127, 128, (24, 24)), ((-128, 127),) * 24)
    task = Task(problem, Options("default"))
    start = time.process_time()
    graph = solve(problem.matrix, problem.inputs, task.options)
    searched = time.process_time() - start
    store.store(task, graph)
    start = time.process_time()
    assert store.load(task) == graph
    assert time.process_time() - start < searched
