"""Schedules as JSON, beside the Program that they belong to."""

from __future__ import annotations

import copy
import json
import random

import numpy as np
import pytest

from hgq2rtl.errors import BadProgram
from hgq2rtl.ir import Program
from hgq2rtl.passes import run_passes
from hgq2rtl.schedule import (
    Schedule,
    ScheduleWish,
    schedule,
    schedule_from_json,
    schedule_to_json,
)
from hgq2rtl.targets import target_for

from ..ir.random_programs import random_program

WISHES = [
    ScheduleWish(),
    ScheduleWish(clock_ns=3.7, has_output_register=False),
    ScheduleWish(stages=4, has_input_register=False, most_control_sets=1),
    ScheduleWish(clock_ns=6.0, uncertainty_ns=0.5),
    ScheduleWish(is_combinational=True),
]


def compiled(seed: int = 2) -> Program:
    return run_passes(random_program(seed, size=40, widest=9))


def stored(made: Schedule) -> dict:
    return json.loads(json.dumps(schedule_to_json(made)))


@pytest.mark.parametrize("wish", WISHES)
def test_a_schedule_comes_back(wish):
    """Catches a field that is lost: the design of a folder would be another one."""
    made = schedule(compiled(), target_for(), wish)
    again = schedule_from_json(made.program, stored(made))
    assert again.stage.tolist() == made.stage.tolist()
    assert again.stage.dtype == made.stage.dtype
    assert np.allclose(again.arrival_ns, made.arrival_ns, atol=1e-6)
    for name in ("stages", "clock_ns", "setup_ns", "has_input_register", "has_output_register"):
        assert getattr(again, name) == getattr(made, name)
    assert again.latency_cycles == made.latency_cycles
    assert again.register_bits == made.register_bits
    assert again.gap == made.gap
    assert again.slack_ns == pytest.approx(made.slack_ns, abs=1e-5)
    assert again.resets.tolist() == made.resets.tolist()


def changed(**fields: object) -> str:
    """What is said of a schedule with these fields."""
    made = schedule(compiled(), target_for(), ScheduleWish(stages=4))
    with pytest.raises(BadProgram) as error:
        schedule_from_json(made.program, stored(made) | fields)
    return str(error.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"kind": "hgq2rtl-program"},
            "this is no schedule that this hgq2rtl reads. Compile the model again.",
        ),
        (
            {"version": 1},
            "this is no schedule that this hgq2rtl reads. Compile the model again.",
        ),
        ({"stages": None}, None),
        ({"stage": "x"}, None),
        ({"stage": [2**40]}, None),
        ({"clock_ns": "fast"}, None),
        ({"stage": [0]}, "the schedule belongs to another Program"),
        ({"arrival_ns": []}, "the schedule belongs to another Program"),
        ({"stages": 3}, "the schedule has a stage outside its pipeline"),
        ({"stages": 5}, "the schedule has an output before its last stage"),
        ({"stages": 0}, "the schedule has a stage outside its pipeline"),
        ({"stages": 10**9}, "a schedule of 1000000000 stages is none of ours"),
        ({"clock_ns": None}, "a schedule of 4 stages is none of ours"),
        ({"roms": [0]}, None),
        ({"uncertainty_ns": None}, None),
    ],
)
def test_what_is_damaged_is_refused(fields, message):
    """Catches a pipeline that does not fit its Program: it would fail in the emission."""
    said = changed(**fields)
    assert said == message if message else said.startswith("the schedule is damaged: ")


def test_a_reader_before_its_operand_is_refused():
    """Catches a value read from a register that does not exist."""
    made = schedule(compiled(), target_for(), ScheduleWish(stages=4))
    data = stored(made)
    late = int(np.flatnonzero(made.stage == 1)[0])
    (operand, *_) = [o for o in made.program.operands_of(late) if not made.program.is_constant(o)]
    data["stage"][operand] = 2
    with pytest.raises(BadProgram) as error:
        schedule_from_json(made.program, data)
    assert str(error.value) == "the schedule reads a value before its stage"


@pytest.mark.parametrize("data", [None, [], 3, {}, "schedule"])
def test_other_json_is_refused(data):
    """Catches a traceback on any well-formed JSON."""
    with pytest.raises(BadProgram) as error:
        schedule_from_json(compiled(), data)
    assert str(error.value) == (
        "this is no schedule that this hgq2rtl reads. Compile the model again."
    )


def test_damage_gives_a_schedule_or_a_clear_refusal():
    """The file is untrusted input: catches any other exception, here or in what follows."""
    rng = random.Random(1)
    made = schedule(compiled(), target_for(), ScheduleWish(stages=4))
    data = stored(made)
    junk = [None, -1, 0, 1, 2, 3, 10**30, 0.5, "x", [], {}, True, 2**31, float("nan"), [[1]]]
    for _ in range(300):
        broken = copy.deepcopy(data)
        key = rng.choice(list(broken))
        if isinstance(broken[key], list) and broken[key] and rng.random() < 0.7:
            broken[key][rng.randrange(len(broken[key]))] = rng.choice(junk)
        else:
            broken[key] = rng.choice(junk)
        try:
            again = schedule_from_json(made.program, broken)
        except BadProgram as refusal:
            assert len(str(refusal)) < 400
        else:
            assert again.registers.min() >= 0 and again.register_bits >= 0
