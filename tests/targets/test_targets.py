"""Families of parts: found by part number, and complete for the stages that read them."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from importlib.resources import files

import pytest

from hgq2rtl.errors import BadOption
from hgq2rtl.targets import DEFAULT_PART, target_for

delay = import_module("hgq2rtl.analyses.delay")
network = import_module("hgq2rtl.schedule.network")
FAMILIES = ["xcvu13p", "xc7k325t", "xcvc1902", "AGFB014R24A2E2V", "LFE5U-85F", "generic", "levels"]
FILES = files("hgq2rtl.targets")

PARTS = ["xcvu13p-flga2577-2-e", "XCVU9P", "xcku5p-ffvb676-2-i", "xczu7ev", "xcau25p", "xcu250"]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_has_its_family(part):
    target = target_for(part)
    assert (target.part, target.family) == (part, "UltraScale+")
    assert (target.lut_inputs, target.carry_bits, target.primitives) == (6, 8, True)


@pytest.mark.parametrize("part", ["xc7a35tcpg236-1", "XC7K325T", "xc7vx690t", "xc7z020", "xc7s50"])
def test_a_part_of_the_7_series_has_its_family(part):
    target = target_for(part)
    assert (target.part, target.family) == (part, "7 series")
    assert (target.carry_bits, target.primitives, target.cascaded_table_bits) == (4, True, 8)


def test_other_families_have_plain_operators():
    for part, family in [("LFE5U-85F", "ECP5"), ("xcvc1902", "Versal"), ("agfb014", "Agilex")]:
        target = target_for(part)
        assert (target.family, target.primitives) == (family, False)
    assert target_for("LFE5U-85F").lut_inputs == 4


@pytest.mark.parametrize("part", ["generic", "GENERIC", "generic_lut6"])
def test_generic_stands_for_any_family(part):
    target = target_for(part)
    assert (target.part, target.family) == (part, "generic LUT6")
    assert (target.lut_inputs, target.primitives) == (6, False)


@pytest.mark.parametrize("part", FAMILIES)
def test_a_family_prices_sums(part):
    sums = target_for(part).sums
    assert set(sums) == {"cost", "carry_position", "three_operand_rows"}
    assert sums["cost"] in ("rows", "signed") and 0 <= sums["carry_position"] <= 1


def test_the_default_part_is_known():
    assert target_for() == target_for(DEFAULT_PART)


@pytest.mark.parametrize("part", ["lfmxo5-25", "", "generic_lut4", "virtex"])
def test_an_unknown_part_is_refused(part):
    with pytest.raises(BadOption) as refusal:
        target_for(part)
    assert str(refusal.value) == (
        f"part {part!r}: no target family knows it. Parts that begin with a5d, a5e, agf, agi, agm, "
        "levels, lfe5u, xc7a, xc7k, xc7s, xc7v, xc7z, xcau, xck26, xcku, xcu, xcvc, xcve, xcvh, "
        "xcvm, xcvp, xcvu, xczu are known; 'generic' stands for any family of 6-input LUTs."
    )


def delays_named_in(module: object) -> set[str]:
    """Every ``delay_ns["name"]``, or ``delay["name"]``, in the source of `module`."""
    tree = ast.parse(inspect.getsource(module))
    return {
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and getattr(node.value, "attr", getattr(node.value, "id", None)) in ("delay_ns", "delay")
    }


@pytest.mark.parametrize("part", FAMILIES)
def test_a_family_has_every_delay_that_the_stages_name(part):
    """Catches a delay that is missing, misspelt or without effect, before a model meets it."""
    named = delays_named_in(delay) | delays_named_in(network)
    assert {"lut", "net", "setup", "clock_to_out", "rom_setup"} <= named
    assert set(target_for(part).delay_ns) == named


@pytest.mark.parametrize("part", FAMILIES)
def test_nothing_takes_no_time(part):
    """Catches a figure that was left at zero; two that go by as one may share theirs."""
    given = dict(target_for(part).delay_ns)
    if part == "levels":
        assert all(given[name] == 1 for name in ("lut", "carry_entry", "reset_setup"))
        return
    assert given.pop("carry_per_bit") + given.pop("carry_per_block") > 0
    assert all(ns > 0 for ns in given.values())


@pytest.mark.parametrize("file", sorted(FILES.iterdir(), key=str))
def test_every_figure_says_where_it_is_from(file):
    """Catches a number without a source: one beside it, or one at the head of its table."""
    if not file.name.endswith(".toml") or file.name == "levels.toml":
        return
    text = file.read_text()
    head, table = text.split("[delay_ns]")
    covers_all = table.splitlines()[0].strip().startswith("# estimates")
    has_source = all("#" in line for line in table.strip().splitlines()[1:])
    assert head.startswith("#")
    assert covers_all or has_source, file.name


def test_the_generic_family_is_never_the_faster_one():
    known, generic = target_for().delay_ns, target_for("generic").delay_ns
    assert all(generic[name] >= ns for name, ns in known.items())


GRADES = [
    ("xcvu13p-flga2577-{}-e", "123"),
    ("xcvu9p-flga2104-{}LV-e", "123"),
    ("xc7a35tcpg236-{}", "123"),
    ("xcvc1902-vsva2197-{}MP-e-S", "123"),
    ("AGFB014R24A2E{}V", "4321"),
    ("LFE5U-85F-{}BG381C", "678"),
]


@pytest.mark.parametrize("name, slow_to_fast", GRADES)
def test_a_part_number_says_its_speed_grade(name, slow_to_fast):
    """Catches a grade read from another place of the number, and grades in the wrong order."""
    targets = [target_for(name.format(grade)) for grade in slow_to_fast]
    assert [target.speed_grade for target in targets] == list(slow_to_fast)
    for slow, fast in zip(targets, targets[1:], strict=False):
        assert all(fast.delay_ns[name] < ns for name, ns in slow.delay_ns.items() if ns)


@pytest.mark.parametrize(
    "part, grade",
    [("xcvu13p", "2"), ("xc7a100tcsg324", "2"), ("LFE5U-85F", "6"), ("lfe5um5g-25f", "6")],
)
def test_a_number_without_a_grade_has_the_default(part, grade):
    assert target_for(part).speed_grade == grade


def test_what_has_no_grades_says_so():
    assert target_for("generic").speed_grade is None and target_for("levels").speed_grade is None
