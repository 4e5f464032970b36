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
from .ir import Program
from .passes import Solving, run_passes
from .report import make_report
from .rtl import CoreOptions, emit
from .schedule import ScheduleWish, schedule
from .targets import DEFAULT_PART, Target, target_for

Progress = Callable[[str], None]


class BuildOptions(TypedDict, total=False):
    """What every design may be asked for; each has a default."""

    clock_ns: float | None
    """Wanted clock period; 5 ns without a wish."""
    stages: int | None
    """Wanted number of pipeline stages."""
    combinational: bool
    """No registers at all. At most one of these three."""
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
    effort: str
    """How long sums are searched for: ``"fast"``, ``"default"`` or ``"best"``."""
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
    solving = _solving(given, target, controls.has_primitives, progress)
    if given:
        raise TypeError(f"there is no option {next(iter(given))!r}")

    progress("optimising")
    program = run_passes(lowered, solving=solving)
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


def _schedule_wish(given: dict[str, Any]) -> ScheduleWish:
    return ScheduleWish(
        given.pop("clock_ns", None),
        given.pop("stages", None),
        given.pop("combinational", False),
        given.pop("input_register", True),
        given.pop("output_register", True),
    )


def _core_options(given: dict[str, Any], target: Target) -> CoreOptions:
    multipliers = given.pop("multipliers", None) or {}
    primitives = given.pop("primitives", None)
    return CoreOptions(
        given.pop("clock_enable", False),
        given.pop("valid", False),
        given.pop("valid_reset", False),
        {"": multipliers} if isinstance(multipliers, str) else dict(multipliers),
        target.cascaded_table_bits,
        target.primitives if primitives is None else bool(primitives),
    )
