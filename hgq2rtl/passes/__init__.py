"""Program to Program, one rewrite a file, each named by what holds afterwards.

``PASSES`` is the one table: name, function, in the order that a compile runs. What a clock asks for
on a target, ``split_slow_operations``, comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..errors import BadOption
from ..ir import Program, verify
from .additions import turn_additions_into_rows
from .dead import remove_dead_values
from .expand import expand_macros
from .fold import fold_constants
from .linear import merge_linear_chains
from .rounding import round_inside_sums
from .share import share_common_values
from .solve import Solving, solve_linear_groups
from .split import split_slow_operations
from .tables import make_tables_unsigned

Pass = Callable[[Program], Program]

PASSES: dict[str, Pass] = {
    "merge-linear": merge_linear_chains,
    "round-in-sums": round_inside_sums,
    "expand": expand_macros,
    "prune": remove_dead_values,  # no sum is solved that nothing reads
    "tables": make_tables_unsigned,
    "solve-linear": solve_linear_groups,
    "fold": fold_constants,
    "share": share_common_values,
    "rows": turn_additions_into_rows,
    "dead": remove_dead_values,
}


def run_passes(
    program: Program,
    names: Iterable[str] = tuple(PASSES),
    after_each: Callable[[str, Program], None] = lambda name, program: None,
    solving: Solving | None = None,
) -> Program:
    """Run passes by name, verifying after each; `solving` says how ``solve-linear`` works.

    Raises
    ------
    BadOption
        For an unknown name.
    """
    for name in names:
        if name not in PASSES:
            raise BadOption(f"there is no pass {name!r}: choose from {', '.join(PASSES)}")
        if PASSES[name] is solve_linear_groups:
            program = verify(solve_linear_groups(program, solving))
        else:
            program = verify(PASSES[name](program))
        after_each(name, program)
    return program


__all__ = [
    "PASSES",
    "Solving",
    "run_passes",
    "split_slow_operations",
    *sorted(f.__name__ for f in PASSES.values()),
]
