"""Families of parts: found by part number, and complete for the stages that read them."""

from __future__ import annotations

import ast
import inspect

import pytest

from hgq2rtl.analyses import delay
from hgq2rtl.errors import BadOption
from hgq2rtl.schedule import stages
from hgq2rtl.targets import DEFAULT_PART, target_for

PARTS = ["xcvu13p-flga2577-2-e", "XCVU9P", "xcku5p-ffvb676-2-i", "xczu7ev", "xcau25p"]


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


@pytest.mark.parametrize("part", ["generic", "GENERIC", "generic_lut6"])
def test_generic_stands_for_any_family(part):
    target = target_for(part)
    assert (target.part, target.family) == (part, "generic LUT6")
    assert (target.lut_inputs, target.primitives) == (6, False)


@pytest.mark.parametrize("part", ["xcvu13p", "xc7k325t", "generic"])
def test_a_family_prices_sums(part):
    sums = target_for(part).sums
    assert set(sums) == {"cost", "carry_position", "three_operand_rows"}
    assert sums["cost"] in ("rows", "signed") and 0 <= sums["carry_position"] <= 1


def test_the_default_part_is_known():
    assert target_for() == target_for(DEFAULT_PART)


@pytest.mark.parametrize("part", ["lfe5u-85f", "", "generic_lut4", "virtex"])
def test_an_unknown_part_is_refused(part):
    with pytest.raises(BadOption) as refusal:
        target_for(part)
    assert str(refusal.value) == (
        f"part {part!r}: no target family knows it. Parts that begin with xc7a, xc7k, xc7s, xc7v, "
        "xc7z, xcau, xcku, xcvu, xczu are known; 'generic' stands for any family of 6-input LUTs."
    )


def delays_named_in(module: object) -> set[str]:
    """Every ``….delay_ns["name"]`` in the source of `module`."""
    tree = ast.parse(inspect.getsource(module))
    return {
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "delay_ns"
    }


@pytest.mark.parametrize("part", ["xcvu13p", "xc7k325t", "generic"])
def test_a_family_has_every_delay_that_the_stages_name(part):
    """Catches a delay that is missing, misspelt or without effect, before a model meets it."""
    named = delays_named_in(delay) | delays_named_in(stages)
    assert {"lut", "net", "setup", "clock_to_out"} <= named
    assert set(target_for(part).delay_ns) == named
    assert all(ns > 0 for ns in target_for(part).delay_ns.values())


def test_the_generic_family_is_never_the_faster_one():
    known, generic = target_for().delay_ns, target_for("generic").delay_ns
    assert all(generic[name] >= ns for name, ns in known.items())
