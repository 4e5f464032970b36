"""What a clock demands, worked out value by value and without a network."""

from __future__ import annotations

import numpy as np
import pytest

from hgq2rtl.analyses import delays, wiring
from hgq2rtl.ir import Program
from hgq2rtl.ir.operations import concat, input_, output, row, slice_
from hgq2rtl.ir.rows import plan_row
from hgq2rtl.schedule import Schedule
from hgq2rtl.targets import Target


def is_wiring(program: Program, v: int) -> bool:
    """Whether a value is wires alone."""
    which = program.rows.operation[v]
    return which in (slice_, concat) or (which is row and not plan_row(program[v]).s)


def settled(program: Program, target: Target, stage: list[int]) -> list[float]:
    """When each value of logic settles after the edge that starts its stage."""
    times, traced = delays(program, target), wiring(program)

    def reaches(v: int, at: int) -> float:
        """When `v` is at the cells that read it in stage `at`."""
        if program.is_constant(v):
            return 0.0
        if is_wiring(program, v):
            return max(reaches(o, at) for o in program.operands_of(v))
        return (arrival[v] if stage[v] == at else times.clock_to_out_ns) + times.net_ns[v]

    arrival: list[float] = []
    for value in program:
        v = value.number
        if program.is_constant(v) or is_wiring(program, v) or value.operation is output:
            arrival.append(0.0)
        elif value.operation is input_:
            arrival.append(times.clock_to_out_ns)
        else:
            copied = traced.value_of(np.array(traced.reads[v], np.int64)).tolist()
            read = {*value.operands, *copied}  # a row passes low bits on, with their own nets
            ready = max((reaches(o, stage[v]) for o in read), default=0.0)
            arrival.append(ready + times.logic_ns[v])
    return arrival


def assert_in_time(made: Schedule, target: Target) -> None:
    """Operands first, arrivals worked out anew, every path within its clock."""
    program, stage = made.program, made.stage.tolist()
    arrival = settled(program, target, stage)
    assert made.clock_ns is not None
    for value in program:
        v = value.number
        operands = [o for o in value.operands if not program.is_constant(o)]
        if program.is_constant(v):
            continue
        assert all(stage[o] <= stage[v] for o in operands), value
        if is_wiring(program, v) or value.operation is output:
            continue
        assert made.arrival_ns[v] == pytest.approx(arrival[v]), value
        assert arrival[v] + made.setup_ns + made.uncertainty_ns <= made.clock_ns + 1e-6, value
    assert np.all(made.stage[program.values_of(output)] == made.stages - 1)
    assert max(made.stage_ns) + made.uncertainty_ns <= made.clock_ns + 1e-6
