"""Many problems at once: equal ones solved once, the rest in parallel, known ones from disk.

What comes back depends on the problems and options alone: not on the number of
cores, the order in which threads finish, or what the cache holds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from ..machine import usable_cores
from .budget import expected_work, spread
from .cache import Cache
from .graph import AdderGraph
from .options import Options
from .problem import Problem, Task
from .solver import solve

Progress = Callable[[int, int], None]
"""Called with the number of problems that are done, and of all."""


def solve_all(
    problems: Sequence[Problem],
    options: Options | None = None,
    cache: Cache | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    threads: int | None = None,
) -> list[AdderGraph]:
    """Solve the blocks of one model, which share the search that `options.effort` allows.

    Parameters
    ----------
    problems : sequence of Problem
        As they stand in the model: one that occurs often gets more of the search.
    options : Options, optional
        ``iterations``, where given, are those of every problem; nothing is shared then.
    cache : Cache, optional
        Where graphs are kept between runs; None: nowhere.
    progress, should_stop, threads
        As for :func:`solve_tasks`.

    Returns
    -------
    list of AdderGraph
        One per problem, in order, each proved equal to its matrix; equal problems share one.
    """
    tasks = spread(problems, options or Options())
    return solve_tasks(tasks, cache, progress, should_stop, threads)


def solve_tasks(
    tasks: Sequence[Task],
    cache: Cache | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    threads: int | None = None,
) -> list[AdderGraph]:
    """Solve each task as its own options say.

    Parameters
    ----------
    tasks : sequence of Task
    cache : Cache, optional
    progress : callable, optional
        Called in this thread with the tasks done (0 first), and all, not counting equal ones.
    should_stop : callable, optional
        Polled by all threads. Once it says True, every task ends with the best graph it has,
        and the cache keeps none of these.
    threads : int, optional
        All cores by default.
    """
    keys = [task.content for task in tasks]
    distinct = dict(zip(keys, tasks, strict=True))
    if not distinct:
        return []
    # The longest first, so that none of them is left alone at the end.
    longest_first = sorted(distinct, key=lambda key: -expected_work(distinct[key]))
    worker = _Worker(cache, should_stop)
    graphs: dict[str, AdderGraph] = {}
    with ThreadPoolExecutor(min(threads or usable_cores(), len(distinct))) as pool:
        try:
            jobs = {pool.submit(worker.solve, distinct[key]): key for key in longest_first}
            _collect(jobs, graphs, progress)
        except BaseException:  # a defect, or the user's interrupt: let no thread run on
            worker.is_abandoned.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if cache is not None and worker.has_stored.is_set():
        cache.trim()
    return [graphs[key] for key in keys]


def _collect(
    jobs: dict[Future[AdderGraph], str], graphs: dict[str, AdderGraph], progress: Progress | None
) -> None:
    if progress is not None:
        progress(0, len(jobs))
    for job in as_completed(jobs):
        graphs[jobs[job]] = job.result()
        if progress is not None:
            progress(len(graphs), len(jobs))


@dataclass(frozen=True)
class _Worker:
    """What every thread does with a task."""

    cache: Cache | None
    should_stop: Callable[[], bool] | None
    is_abandoned: threading.Event = field(default_factory=threading.Event)
    has_stored: threading.Event = field(default_factory=threading.Event)

    def solve(self, task: Task) -> AdderGraph:
        known = self.cache.load(task) if self.cache else None
        if known is not None:
            return known
        was_stopped = False

        def should_stop() -> bool:
            nonlocal was_stopped
            was_stopped |= self._should_stop()
            return was_stopped

        problem, options = task
        graph = solve(
            problem.matrix, problem.inputs, options, problem.arrivals or None, should_stop
        )
        if self.cache and not was_stopped:
            self.cache.store(task, graph)
            self.has_stored.set()
        return graph

    def _should_stop(self) -> bool:
        return self.is_abandoned.is_set() or (self.should_stop is not None and self.should_stop())
