"""From a lowered Program to a Design: optimise, schedule, emit, report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from .cmvm.cache import Cache
from .cmvm.options import EFFORTS, Cost, Options
from .design import Design
from .errors import BadOption
from .frontends import LayerGraph
from .ir import Program, verify
from .passes import PASSES, Solving, run_passes, split_slow_operations
from .rebuild import solve_for_clock
from .report import make_report
from .rtl import CoreOptions, emit
from .schedule import DEFAULT_CLOCK_NS, ScheduleWish, path_of, schedule
from .targets import DEFAULT_PART, Target, target_for

Progress = Callable[[str], None]


class BuildOptions(TypedDict, total=False):
    """What every design may be asked for; each has a default."""

    clock_ns: float | None
    """Wanted clock period; 5 ns without a wish."""
    uncertainty_ns: float
    """Of the clock's edge: left free in every stage."""
    stages: int | None
    """Exactly so many pipeline stages, at the wanted clock or else the fastest that they allow."""
    latency_ns: float | None
    """From port to port at most, at the wanted clock or else the fastest that keeps it."""
    combinational: bool
    """No registers at all: alone, without clock, stages or latency."""
    control_sets: int | None
    """Most synchronous resets by a sign (a relu in front of a register); without a number as many
    as save LUTs."""
    shift_registers: int | None
    """Delays of at least so many cycles become shift registers in LUTs; without a number none."""
    part: str
    """The FPGA, for delays and scripts; ``generic`` for an unknown family."""
    top: str | None
    """Name of the top module; without it the model's or the function's."""
    input_register: bool
    output_register: bool
    """Register the ports; both on by default."""
    clock_enable: bool
    """Add the port ``en``."""
    valid: bool
    """Add the ports ``valid_in`` and ``valid_out``."""
    valid_reset: bool
    """Add the port ``rst``, a synchronous reset of valid."""
    primitives: bool | None
    """Build rows and choices of AMD's primitives, or of plain operators; without a word as it is
    best for the part."""
    rows_of_three: bool | None
    """Whether sums may have rows of three operands, which save LUTs and are two levels deep;
    without a word as the part has them."""
    effort: str
    """How long sums are searched for: ``"fast"``, ``"default"`` or ``"best"``."""
    rebuild: bool
    """Build sums anew for the wanted clock where that saves pipeline stages, a larger part of them
    than it costs of the LUTs; on by default."""
    cache: bool
    """Keep solved sums on disk for the next compile; on by default."""
    should_stop: Callable[[], bool] | None
    """Polled while sums are searched for; once it says True, the best so far are taken."""
    multipliers: Mapping[str, str] | str
    """Where products of two variables are built: ``"lut"`` or ``"dsp"``, by layer name (``""``
    for all others), or one word for all. Without it the synthesis tool chooses."""


def build(
    lowered: Program,
    name: str,
    model: Mapping[str, Any],
    ebops: Mapping[int, float],
    graph: LayerGraph | None,
    progress: Progress,
    command: Sequence[str],
    **options: Unpack[BuildOptions],
) -> Design:
    """The Design of a Program as it was lowered.

    Parameters
    ----------
    name : of the top module, where `options` give none
    model : source, origin and hash, for the report
    ebops : by layer number of the Program
    """
    given = dict(options)
    target = target_for(str(given.pop("part", DEFAULT_PART)))
    top = given.pop("top", None)
    wish = _schedule_wish(given)
    controls = _core_options(given, target)
    rebuilds = bool(given.pop("rebuild", True))
    rows_of_three = given.pop("rows_of_three", None)
    if rows_of_three is not None:
        target = replace(target, sums={**target.sums, "three_operand_rows": rows_of_three})
    solving = _solving(given, target, controls.has_primitives, progress)
    if given:
        raise TypeError(f"there is no option {next(iter(given))!r}")

    progress("optimising")
    program = optimised(lowered, solving, target, wish, rebuilds)
    progress("scheduling")
    timing = schedule(program, target, wish)
    progress("emitting Verilog")
    rtl = emit(timing, str(top or name), controls)
    if top is not None and rtl.top != top:
        raise BadOption(
            f"top {top!r} is no free Verilog name here: use {rtl.top!r}, or another of letters, "
            "digits and underscores that no port has"
        )
    asked = {**vars(wish), **vars(controls), "effort": solving.options.effort}
    report = make_report(timing, rtl, target, ebops, model, asked, command)
    return Design(program, timing, rtl, report, lowered, graph)


def _solving(
    given: dict[str, Any], target: Target, has_primitives: bool, progress: Progress
) -> Solving:
    plain = solving_for(target, given.pop("effort", None) or "default", has_primitives)
    return replace(
        plain,
        cache=plain.cache if given.pop("cache", True) else None,
        progress=lambda done, total: progress(f"solving sums: {done} of {total} blocks"),
        should_stop=given.pop("should_stop", None),
    )


def solving_for(target: Target, effort: str, has_primitives: bool | None = None) -> Solving:
    """How sums are solved for a target.

    Raises
    ------
    BadOption
        For an unknown effort.
    """
    if effort not in EFFORTS:
        raise BadOption(f"effort {effort!r}: choose from {', '.join(EFFORTS)}")
    if has_primitives is None:
        has_primitives = target.primitives
    given = target.sums
    # Without primitives a row of three is two additions.
    has_rows_of_three = has_primitives and given["three_operand_rows"]
    cost = Cost(given["cost"], given["carry_position"], has_rows_of_three)
    return Solving(Options(effort=effort, cost=cost), cache=Cache())


def optimised(
    lowered: Program, solving: Solving, target: Target, wish: ScheduleWish, rebuilds: bool
) -> Program:
    """`lowered` after all passes; with a wanted clock, sums are built for few stages."""

    def finish(program: Program) -> Program:
        return split_for(run_passes(program, names[solve + 1 :]), target, wish)

    names = list(PASSES)
    solve = names.index("solve-linear")
    if not rebuilds or not has_wanted_clock(wish):
        return split_for(run_passes(lowered, solving=solving), target, wish)
    prepared = run_passes(lowered, names[:solve])
    clock_ns = wish.clock_ns or DEFAULT_CLOCK_NS
    stage_ns = clock_ns - wish.uncertainty_ns - target.delay_ns["setup"]
    enough = wish.stages or 1
    if wish.latency_ns is not None:
        registers = wish.has_input_register + wish.has_output_register
        enough = max(1, int(wish.latency_ns / clock_ns + 1e-9) + 1 - registers)
    return solve_for_clock(prepared, solving, target, stage_ns, finish, enough)


def has_wanted_clock(wish: ScheduleWish) -> bool:
    """Whether the clock is known before the Program is: 5 ns without any wish."""
    if wish.clock_ns is None:
        return not (wish.is_combinational or wish.stages or wish.latency_ns)
    return True


def split_for(program: Program, target: Target, wish: ScheduleWish) -> Program:
    """`program`, with what alone exceeds a wanted clock in parts that do not, where it can be."""
    if not has_wanted_clock(wish):
        return program
    path_ns = path_of(target, wish.clock_ns or DEFAULT_CLOCK_NS, wish.uncertainty_ns)
    return verify(split_slow_operations(program, target, path_ns))


def _schedule_wish(given: dict[str, Any]) -> ScheduleWish:
    return ScheduleWish(
        clock_ns=given.pop("clock_ns", None),
        stages=given.pop("stages", None),
        latency_ns=given.pop("latency_ns", None),
        is_combinational=given.pop("combinational", False),
        has_input_register=given.pop("input_register", True),
        has_output_register=given.pop("output_register", True),
        uncertainty_ns=given.pop("uncertainty_ns", None) or 0.0,
        most_control_sets=given.pop("control_sets", None),
    )


def _core_options(given: dict[str, Any], target: Target) -> CoreOptions:
    multipliers = given.pop("multipliers", None) or {}
    primitives = given.pop("primitives", None)
    return CoreOptions(
        has_enable=given.pop("clock_enable", False),
        has_valid=given.pop("valid", False),
        has_valid_reset=given.pop("valid_reset", False),
        multipliers={"": multipliers} if isinstance(multipliers, str) else dict(multipliers),
        cascaded_table_bits=target.cascaded_table_bits,
        has_primitives=target.primitives if primitives is None else bool(primitives),
        shift_register_length=given.pop("shift_registers", None),
    )
