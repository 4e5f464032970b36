"""The emitted core: plain Verilog, the same every time, equal to the interpreter."""

from __future__ import annotations

import gc
import re
import sys
import warnings

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.hdl._nir import CombinationalCycle

from hgq2rtl.errors import BadOption
from hgq2rtl.fixed import Format
from hgq2rtl.ir import Builder, Field, LayerName, Program, ProgramPort, parse, verify
from hgq2rtl.ir.interpreter import Interpreter
from hgq2rtl.ir.operations import OPERATIONS
from hgq2rtl.rtl import CoreOptions, Rtl, emit, from_files
from hgq2rtl.schedule import Schedule, ScheduleWish, schedule
from hgq2rtl.targets import target_for
from hgq2rtl.verify import check_verilog

from ..ir.random_programs import random_mantissas
from .every_operation import every_operation
from .netlist import flip_flops

SAMPLES = 300
PIPELINED = ScheduleWish(stages=4)
COMBINATIONAL = ScheduleWish(is_combinational=True)
ALL_CONTROLS = CoreOptions(has_enable=True, has_valid=True, has_valid_reset=True)


def scheduled(program: Program, wish: ScheduleWish) -> Schedule:
    return schedule(program, target_for(), wish)


@pytest.fixture(scope="module")
def cores() -> dict[ScheduleWish, tuple[Schedule, Rtl]]:
    """The Program of every operation, with registers and without."""
    program = every_operation()
    made = {}
    for wish in (PIPELINED, COMBINATIONAL):
        when = scheduled(program, wish)
        made[wish] = when, emit(when, "core", ALL_CONTROLS if wish is PIPELINED else None)
    return made


# -- equal to the interpreter ----------------------------------------------------


def test_the_example_has_every_basic_operation():
    """To add an operation is to emit it here."""
    program = every_operation()
    used = {value.operation for value in program}
    assert used == {o for o in OPERATIONS if not o.is_macro}
    for value in program:
        for attribute in value.operation.attributes:
            if attribute.words:
                words = [
                    other.attributes[attribute.name]
                    for other in program
                    if other.operation is value.operation
                ]
                assert set(words) == set(attribute.words)


@pytest.mark.parametrize("wish", [PIPELINED, COMBINATIONAL], ids=["pipelined", "combinational"])
def test_every_operation_is_the_interpreters_in_verilog(cores, wish, tmp_path):
    """Catches a sign, a width or a shift that Verilog reads otherwise."""
    when, rtl = cores[wish]
    inputs = random_mantissas(when.program, SAMPLES)
    assert check_verilog(when, rtl, inputs, tmp_path).samples == SAMPLES


@pytest.mark.parametrize("wish", [PIPELINED, COMBINATIONAL], ids=["pipelined", "combinational"])
def test_every_operation_is_the_interpreters_in_primitives(wish, tmp_path):
    """Catches an instance that drives too few bits, or the wrong value."""
    when = scheduled(every_operation(), wish)
    rtl = emit(when, "core", CoreOptions(has_primitives=True))
    assert "core__cell__row_of_three.v" in rtl.files
    assert_plain(rtl)
    inputs = random_mantissas(when.program, SAMPLES)
    assert check_verilog(when, rtl, inputs, tmp_path).samples == SAMPLES


def test_the_lanes_of_the_interpreter_agree_on_it():
    """The check above takes one lane for the truth."""
    program = every_operation()
    inputs = random_mantissas(program, SAMPLES)
    fast, slow = Interpreter(program).run(inputs), Interpreter(program, exact=True).run(inputs)
    assert all((a == b).all() for a, b in zip(fast, slow, strict=True))


# -- the text --------------------------------------------------------------------


def assert_plain(rtl: Rtl) -> None:
    """Names without escapes, one module a file, each of its own name."""
    for name, text in rtl.files.items():
        assert "\\" not in text, re.findall(r"\\\S+", text)
        assert re.findall(r"^module (\w+)", text, re.MULTILINE) == [name.removesuffix(".v")]
        assert text.rstrip().endswith("endmodule")
    assert next(iter(rtl.files)) == f"{rtl.top}.v"
    folded = {name.lower() for name in rtl.files}
    assert len(folded) == len(rtl.files)


@pytest.mark.parametrize("wish", [PIPELINED, COMBINATIONAL], ids=["pipelined", "combinational"])
def test_the_text_is_plain_verilog(cores, wish):
    assert_plain(cores[wish][1])


def test_each_layer_is_a_module_in_an_instance_of_its_name(cores):
    _, rtl = cores[PIPELINED]
    assert list(rtl.files) == ["core.v", "core__dense_1.v", "core__logic_.v", "core__module_.v"]
    assert rtl.instances == {-1: "u_logic_", 0: "u_dense_1", 1: "u_module_"}
    for instance in rtl.instances.values():
        assert re.search(rf"^  core__\w+ {instance} \(", rtl.files["core.v"], re.MULTILINE)


def test_a_layers_signals_are_in_its_module(cores):
    """The check looks there for the first layer that differs."""
    when, rtl = cores[PIPELINED]
    for v, signals in rtl.signals.items():
        layer = rtl.instances.get(int(when.program.layer[v]))
        is_input = when.program[v].operation.name == "input"
        file = "core.v" if is_input else f"core__{layer.removeprefix('u_')}.v"
        assert signals
        for signal in signals.values():
            assert re.search(rf"\b{signal}\b", rtl.files[file])


def test_the_ports_are_as_wide_as_their_buses(cores):
    for _, rtl in cores.values():
        top = rtl.files["core.v"]
        for word, buses in (("input", rtl.ports.inputs), ("output", rtl.ports.outputs)):
            for bus in buses:
                range_ = rf"\[{bus.width - 1}:0\] " if bus.width > 1 else ""
                assert re.search(rf"^  {word} {range_}{bus.port};", top, re.MULTILINE)


def test_without_controls_there_are_only_the_clock_and_the_buses():
    made = scheduled(verify(parse("%0 = input : s4e0\noutput %0")), PIPELINED)
    assert ports_of(emit(made, "core")) == ["clk", "x", "y"]


def ports_of(rtl: Rtl) -> list[str]:
    """Names of the top module's ports, in order of the alphabet."""
    header = re.search(rf"^module {rtl.top}\((.*)\);$", rtl.files[f"{rtl.top}.v"], re.MULTILINE)
    assert header
    return sorted(header[1].split(", "))


def test_a_combinational_core_has_no_clock_and_no_register(cores):
    text = "".join(cores[COMBINATIONAL][1].files.values())
    assert "clk" not in text and "posedge" not in text


def test_the_registers_are_those_of_the_schedule():
    """Catches an estimate that counts others than those that are built."""
    program = verify(
        parse("""
        layer "dense" QDense
        %0 = input : s4e0
        %1 = input : u3e0
        %2 = add %0, %1 : s5e0[-8,14] @0[0]
        %3 = add %2, %0 : s6e0[-16,21] @0[1]
        %4 = add %3, %1 : s6e0[-16,28] @0[2]
        output %4
        output %2
        """)
    )
    for has_input in (True, False):
        wish = ScheduleWish(stages=5, has_input_register=has_input)
        made = scheduled(program, wish)
        assert flip_flops(emit(made, "core")) == made.register_bits


def test_two_emissions_are_equal(cores):
    """Catches an order that depends on a set, an address or the time."""
    for when, rtl in cores.values():
        again = emit(scheduled(every_operation(), PIPELINED), "core", rtl.options)
        if when.is_combinational:
            again = emit(scheduled(every_operation(), COMBINATIONAL), "core", rtl.options)
        assert again.rtlil == rtl.rtlil
        assert again.rtlil_hash == rtl.rtlil_hash
        assert again.files == rtl.files


def test_the_circuit_says_nothing_about_the_machine(cores):
    for _, rtl in cores.values():
        assert "/" not in rtl.rtlil.replace("u_dense/1", "")
        assert "generator" not in rtl.rtlil


def test_an_rtl_of_stored_files_has_the_names_and_ports_of_the_first_one(cores):
    when, rtl = cores[PIPELINED]
    again = from_files(when, "core", rtl.options, rtl.files)
    for name in ("top", "files", "ports", "options", "instances", "signals"):
        assert getattr(again, name) == getattr(rtl, name)


@pytest.mark.parametrize(
    ("asked", "top"),
    [("core", "core"), ("my model/2", "my_model_2"), ("x", "x_2"), ("module", "module_")],
)
def test_the_top_gets_a_legal_name_that_no_port_has(asked, top):
    made = scheduled(verify(parse("%0 = input : s4e0\noutput %0")), COMBINATIONAL)
    rtl = emit(made, asked)
    assert rtl.top == top and list(rtl.files) == [f"{top}.v"]


# -- names that the emitter itself uses --------------------------------------------


def adders(inputs: list[str], layers: list[str], output: str) -> Program:
    """Each layer adds the first input to what came before."""
    format = Format.of_width(4, True)
    ports = [ProgramPort(name, (1,), (Field(0, format),)) for name in inputs]
    builder = Builder(ports, [LayerName(name, "QDense") for name in layers])
    values = [builder.input(n, 0) for n in range(len(inputs))]
    for layer in range(len(layers)):
        builder.at = (layer, 0)
        values.append(builder.add(values[0], values[-1]))
    builder.add_output_port(output, (1,), values[-1:])
    return verify(builder.build())


@pytest.mark.parametrize(
    ("inputs", "layers", "output"),
    [
        (["x"], ["x"], "x"),
        (["dense"], ["dense"], "dense_0_v1"),
        (["core"], ["core"], "core__dense"),
        (["clk"], ["rst"], "en"),
        (["x"], ["d", "D", "d_2"], "d"),
    ],
)
def test_names_of_a_model_may_be_alike(inputs, layers, output):
    rtl = emit(scheduled(adders(inputs, layers, output), PIPELINED), "core", ALL_CONTROLS)
    assert_plain(rtl)


@pytest.mark.parametrize(
    ("inputs", "layers", "output"),
    [
        (["x", "x_q"], ["dense"], "y"),
        (["x", "x_in_0_v0"], ["dense"], "y"),
        (["x"], ["dense"], "u_dense"),
        (["valid_d1"], ["dense"], "y"),
        (["x"], ["dense"], "dense_0_v1_d3"),
    ],
    ids=["input register", "input field", "instance", "valid", "value"],
)
def test_ports_may_be_called_like_inner_signals(inputs, layers, output):
    """Catches names like ``\\x_q$7``, which no probe finds."""
    rtl = emit(scheduled(adders(inputs, layers, output), PIPELINED), "core", ALL_CONTROLS)
    assert_plain(rtl)


def test_an_output_called_like_an_instance_makes_no_second_module():
    for number in range(2, 16):
        program = adders(["x"], ["dense", f"dense_{number}"], "u_dense")
        emit(scheduled(program, PIPELINED), "core")


def test_two_tables_of_a_layer_have_plain_names():
    """Catches names like ``\\port__addr$4``."""
    program = verify(
        parse("""
        layer "a" QDense
        table 0: 0 1 2 3
        %0 = input : u2e0
        %1 = bitwise %0, %0 : u2e0 @0[0]
        %2 = lookup %0 table=0 : u2e0 @0[1]
        %3 = lookup %1 table=0 : u2e0 @0[2]
        output %2
        output %3
        """)
    )
    assert_plain(emit(scheduled(program, COMBINATIONAL), "core"))


@pytest.mark.parametrize("wish", [PIPELINED, COMBINATIONAL], ids=["pipelined", "combinational"])
def test_an_output_of_no_bits_is_an_output(wish):
    program = verify(parse("%0 = input : s4e0\n%1 = const : u0e0\noutput %1"))
    top = emit(scheduled(program, wish), "core").files["core.v"]
    assert re.search(r"^  output y;", top, re.MULTILINE)


def test_stored_files_are_read_without_a_warning(cores):
    """Catches Amaranth's UnusedElaboratable on the standard error of a user."""
    when, rtl = cores[PIPELINED]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        from_files(when, "core", rtl.options, rtl.files)
        gc.collect()
    assert not told


# -- options -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["has_enable", "has_valid"])
def test_a_combinational_core_takes_no_controls(name):
    made = scheduled(every_operation(), COMBINATIONAL)
    with pytest.raises(BadOption) as refusal:
        emit(made, "core", CoreOptions(**{name: True}))
    assert str(refusal.value) == (
        "a combinational core has no clock, so it has no enable, valid or reset either: "
        "leave these options out"
    )


def test_a_reset_of_valid_needs_valid():
    with pytest.raises(BadOption) as refusal:
        emit(scheduled(every_operation(), PIPELINED), "core", CoreOptions(has_valid_reset=True))
    assert str(refusal.value) == "a reset of valid needs valid: add it"


@pytest.mark.parametrize(
    ("options", "controls"),
    [
        (CoreOptions(), ["clk"]),
        (CoreOptions(has_enable=True), ["clk", "en"]),
        (CoreOptions(has_valid=True), ["clk", "valid_in", "valid_out"]),
        (ALL_CONTROLS, ["clk", "en", "rst", "valid_in", "valid_out"]),
    ],
)
def test_the_controls_are_those_that_were_asked_for(options, controls):
    """Without any register too: the clock then has nothing to do, and stays a port."""
    program = adders(["x"], ["dense"], "y")
    for wish in (
        PIPELINED,
        ScheduleWish(clock_ns=1.5, has_input_register=False, has_output_register=False),
    ):
        rtl = emit(scheduled(program, wish), "core", options)
        assert [name for name in ports_of(rtl) if name not in ("x", "y")] == controls
        assert_plain(rtl)


def test_amaranth_is_left_as_it_was():
    """Catches a user's own Amaranth circuit whose combinational loop is no longer found."""
    before = gc.isenabled(), sys.getrecursionlimit()
    emit(scheduled(adders(["x"], ["dense"], "y"), PIPELINED), "core")
    assert (gc.isenabled(), sys.getrecursionlimit()) == before
    m, bit = Module(), Signal()
    m.d.comb += bit.eq(~bit)
    with pytest.raises(CombinationalCycle):
        rtlil.convert(m, ports=[bit])
