"""A Schedule as versioned JSON, beside the Program that it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ..errors import BadProgram
from ..ir import Program
from ..ir.operations import lookup, output
from .schedule import Schedule
from .wish import MOST_STAGES

KIND = "hgq2rtl-schedule"
VERSION = 2

_T = TypeVar("_T")


def schedule_to_json(schedule: Schedule) -> dict[str, Any]:
    """Plain data; :func:`schedule_from_json` gives an equal Schedule back."""
    return {
        "kind": KIND,
        "version": VERSION,
        "stage": schedule.stage.tolist(),
        "arrival_ns": [round(t, 6) for t in schedule.arrival_ns.tolist()],
        "stages": schedule.stages,
        "clock_ns": schedule.clock_ns,
        "setup_ns": schedule.setup_ns,
        "has_input_register": schedule.has_input_register,
        "has_output_register": schedule.has_output_register,
        "uncertainty_ns": schedule.uncertainty_ns,
        "roms": [] if schedule.is_rom is None else np.flatnonzero(schedule.is_rom).tolist(),
        "most_control_sets": schedule.most_control_sets,
        "bound": schedule.bound,
        "cost": schedule.cost,
    }


def schedule_from_json(program: Program, data: Any) -> Schedule:
    """Read the schedule of `program`.

    Raises
    ------
    BadProgram
        If the data is of another kind, version or Program, or an operand comes too late.
    """
    if not isinstance(data, dict) or data.get("kind") != KIND or data.get("version") != VERSION:
        raise BadProgram("this is no schedule that this hgq2rtl reads. Compile the model again.")
    try:
        made = Schedule(
            program=program,
            stage=np.array(data["stage"], np.int32),
            arrival_ns=np.array(data["arrival_ns"], np.float64),
            stages=int(data["stages"]),
            clock_ns=_optional(float, data["clock_ns"]),
            setup_ns=float(data["setup_ns"]),
            has_input_register=bool(data["has_input_register"]),
            has_output_register=bool(data["has_output_register"]),
            uncertainty_ns=float(data["uncertainty_ns"]),
            is_rom=_is_rom(program, data["roms"]),
            most_control_sets=_optional(int, data["most_control_sets"]),
            bound=_optional(float, data["bound"]),
            cost=_optional(float, data["cost"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError, IndexError) as problem:
        raise BadProgram(f"the schedule is damaged: {problem!r}") from None
    _check(made)
    return made


def _optional(kind: Callable[[Any], _T], stored: Any) -> _T | None:
    return None if stored is None else kind(stored)


def _is_rom(program: Program, stored: list[int]) -> np.ndarray | None:
    numbers = np.array(stored, np.int64)
    if not len(numbers):
        return None
    if not np.isin(numbers, program.values_of(lookup)).all():
        raise ValueError("a ROM is no table")
    return np.isin(np.arange(len(program)), numbers)


def _check(made: Schedule) -> None:
    program, n = made.program, len(made.program)
    if made.stage.shape != (n,) or made.arrival_ns.shape != (n,):
        raise BadProgram("the schedule belongs to another Program")
    if n and not 0 <= made.stage.min() <= made.stage.max() < made.stages:
        raise BadProgram("the schedule has a stage outside its pipeline")
    if not 1 <= made.stages <= MOST_STAGES or (made.is_combinational and made.stages > 1):
        raise BadProgram(f"a schedule of {made.stages} stages is none of ours")
    if np.any(made.stage[program.values_of(output)] != made.stages - 1):
        raise BadProgram("the schedule has an output before its last stage")
    readers = np.repeat(np.arange(n), np.diff(program.start))
    is_constant = program.lo == program.hi
    late = (made.stage[program.operand] > made.stage[readers]) & ~is_constant[program.operand]
    if late.any() and not is_constant[readers[late]].all():
        raise BadProgram("the schedule reads a value before its stage")
