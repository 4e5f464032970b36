"""Which rows each block gets: those that save stages, then the cheapest that keep them saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..cmvm.budget import spread
from ..cmvm.many import solve_tasks
from ..cmvm.options import Options
from ..cmvm.problem import Problem
from ..passes.cover import Cover
from ..passes.solve import Block, Solution, Solving, with_fusions
from .timing import Moment, TimedCover, Timing

MOST_EARLY = 12
"""Levels before the last input of a block: an earlier one is as good as there."""
MOST_SETTLED = 200_000
"""Values that are settled again, in all choices that are tried for fewer LUTs."""


class Search:
    """Candidates for each kind of block, and a choice; equal blocks are of one kind."""

    def __init__(
        self, blocks: Sequence[Block], solutions: Sequence[Solution], how: Solving, timing: Timing
    ):
        self.blocks = blocks
        self.how = how
        self.timing = timing
        numbers: dict[int, int] = {}
        self.kind = [numbers.setdefault(id(each), len(numbers)) for each in solutions]
        """By block."""
        self.copies = Counter(self.kind)
        self.first = {k: n for n, k in reversed(list(enumerate(self.kind)))}
        """A block of each kind."""
        self.graphs = {k: solutions[n].graph for k, n in self.first.items()}
        self.pool = {k: [timing.first[n]] for k, n in self.first.items()}
        """Candidates of each kind; the rows of `solutions` first."""
        self.chosen = {k: rows[0] for k, rows in self.pool.items()}
        self.level_ns = _level_ns(self.chosen.values(), timing.path_ns)

    @property
    def price(self) -> float:
        """Of all sums, in LUTs."""
        return sum(rows.cover.price * self.copies[k] for k, rows in self.chosen.items())

    @property
    def changed(self) -> list[int]:
        """Kinds with other rows than at first."""
        return [k for k, rows in self.chosen.items() if rows is not self.pool[k][0]]

    def covers(self) -> list[Cover]:
        """By block; equal rows are one object."""
        return [self.chosen[k].cover for k in self.kind]

    def settled(self) -> list[Moment]:
        return self.timing.settle(lambda n, leaves: self.chosen[self.kind[n]])

    # -- candidates ------------------------------------------------------------

    def with_arrivals(self, moments: Sequence[Moment]) -> dict[int, Problem]:
        """The problem of each kind, whose inputs arrive then: in equal blocks with the latest."""
        found: dict[int, list[int]] = {}
        for block, k in zip(self.blocks, self.kind, strict=True):
            levels = [self._level(moments[x]) for x in block.variables]
            last = max(levels, default=0)
            early = [max(level - last, -MOST_EARLY) for level in levels]
            found[k] = [max(pair) for pair in zip(early, found.get(k, early), strict=True)]
        return {
            k: replace(self.blocks[self.first[k]].problem, arrivals=tuple(early))
            for k, early in found.items()
        }

    def _level(self, moment: Moment) -> int:
        """Adder levels in front of a value: whole stages, and its place in its own."""
        in_stage = max(1, round(self.timing.path_ns / self.level_ns))
        place = round((moment.settled_ns - self.timing.launch_ns) / self.level_ns)
        return moment.stage * in_stage + min(place, in_stage)

    def add_solutions(self, problems: Mapping[int, Problem], options: Options) -> None:
        """Solve `problems`, by kind; what comes out, with fusions and without, is a candidate."""
        everywhere = [problems.get(k, self.blocks[n].problem) for n, k in enumerate(self.kind)]
        tasks = dict(zip(self.kind, spread(everywhere, options), strict=True))
        late = [k for k, problem in problems.items() if len(set(problem.arrivals)) > 1]
        solved = solve_tasks([tasks[k] for k in late], self.how.cache, None, self.how.should_stop)
        graphs = self.graphs | dict(zip(late, solved, strict=True))
        slacks = (0, 1) if options.cost.has_three_operand_rows else (0,)
        for k, problem in problems.items():
            block = replace(self.blocks[self.first[k]], problem=problem)
            for slack in slacks:
                graph = with_fusions(block, graphs[k], replace(self.how, fusion_slack=slack))
                self.pool[k].append(self.timing.timed(block.rows(graph), self.first[k]))

    # -- choices ---------------------------------------------------------------

    def be_quick(self) -> list[Moment]:
        """Choose the rows whose outputs settle first, block by block."""
        chosen: dict[int, TimedCover] = {}

        def choose(n: int, leaves: list[Moment]) -> TimedCover:
            k = self.kind[n]
            if k not in chosen:
                chosen[k] = min(self.pool[k], key=lambda rows: self._lateness(n, rows, leaves))
            return chosen[k]

        moments = self.timing.settle(choose)
        self.chosen = chosen
        return moments

    def _lateness(self, n: int, rows: TimedCover, leaves: list[Moment]) -> tuple[float, float]:
        ends = self.timing.members(n, rows, leaves).values()
        late_ns = sum(end.stage * self.timing.path_ns + end.settled_ns for end in ends)
        return late_ns, rows.cover.price

    def be_cheap(self, stages: int) -> None:
        """Choose cheaper rows where the Program stays within `stages`, the dearest first."""
        tries = MOST_SETTLED // max(len(self.timing.program), 1)
        for k in sorted(self.chosen, key=lambda k: -self._could_save(k)):
            for rows in sorted(self.pool[k], key=lambda rows: rows.cover.price):
                before = self.chosen[k]
                if rows.cover.price >= before.cover.price or not tries:
                    break
                tries -= 1
                self.chosen[k] = rows
                if self.timing.stages(self.settled()) <= stages:
                    break
                self.chosen[k] = before

    def _could_save(self, k: int) -> float:
        least = min(rows.cover.price for rows in self.pool[k])
        return (self.chosen[k].cover.price - least) * self.copies[k]


def _level_ns(kinds: Iterable[TimedCover], path_ns: float) -> float:
    """What a row of two operands and its net take, on average."""
    times = [
        part.logic_ns + part.net_ns
        for timed in kinds
        for part, row in zip(timed.parts, timed.cover.rows, strict=True)
        if row.plan.levels == 1
    ]
    return sum(times) / len(times) if times else path_ns
