"""ports.json: read as written, refused when damaged, explained when results differ."""

from __future__ import annotations

import json

import pytest

from hgq2rtl import errors
from hgq2rtl.sim import load_ports
from hgq2rtl.sim.ports import difference, latency_message, other_latency, to_json


def test_records_and_json_say_the_same(full, tmp_path):
    path = tmp_path / "ports.json"
    path.write_text(json.dumps(full.ports))
    ports = load_ports(path)
    assert ports == load_ports(full.ports) == load_ports(ports)
    assert json.loads(json.dumps(to_json(ports))) == full.ports
    assert [port.words for port in ports.inputs] == [3, 1]


def damaged(ports, **changes):
    return {**ports, **changes}


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"format": "other"},
            'ports.json does not describe ports: it lacks "format": "hgq2rtl-ports". '
            "Give the ports.json that a compile wrote.",
        ),
        (
            {"version": 2},
            "ports.json has version 2, this reader knows 1. "
            "Use the hgq2rtl that wrote it, or compile again.",
        ),
        (
            {"initiation_interval": 2},
            "ports.json: these benches drive one sample a clock, "
            "so initiation_interval must be 1. Compile again.",
        ),
        (
            {"clock": None},
            "ports.json: a core without clock has neither latency nor enable nor valid. "
            "Compile again.",
        ),
        (
            {"valid_in": None},
            "ports.json: valid_in and valid_out come together or not at all. Compile again.",
        ),
        (
            {"outputs": []},
            "ports.json: a core has at least one input and one output. Compile again.",
        ),
        (
            {"latency_cycles": None},
            'ports.json is damaged: TypeError("int() argument must be a string, '
            "a bytes-like object or a real number, not 'NoneType'\"). Compile again.",
        ),
    ],
)
def test_damage_is_refused(full, changes, message):
    with pytest.raises(errors.BadInput) as caught:
        load_ports(damaged(full.ports, **changes))
    assert str(caught.value) == message


def test_a_field_outside_its_port_is_refused(full):
    z = full.ports["inputs"][1]
    with pytest.raises(errors.BadInput) as caught:
        load_ports(damaged(full.ports, inputs=[{**z, "width": 10}]))
    assert str(caught.value) == (
        "ports.json: port z, element [1]: bits 5 to 10 lie outside its 10 bits. Compile again."
    )


def test_a_missing_key_and_a_missing_file_are_refused(full, tmp_path):
    without_top = {key: value for key, value in full.ports.items() if key != "top"}
    with pytest.raises(errors.BadInput, match=r"damaged: KeyError\('top'\)"):
        load_ports(without_top)
    with pytest.raises(errors.BadInput, match="cannot be read: No such file"):
        load_ports(tmp_path / "ports.json")
    (tmp_path / "ports.json").write_text("{")
    with pytest.raises(errors.BadInput, match="is not JSON"):
        load_ports(tmp_path / "ports.json")


def test_a_difference_names_element_bits_and_values(full):
    z = load_ports(full.ports).inputs[1]
    assert difference(z, 0b000001_00011, 0b111111_00011) == (
        "element [1] of z (z[10:5]): expected 1 (0.25), got -1 (-0.25)"
    )


def test_a_difference_outside_every_element_is_still_one():
    from hgq2rtl.sim import Port

    spare = Port("p", "p", 4, (), "C", ())
    assert difference(spare, 0, 8) == ("p: bits outside every element: expected 0x0, got 0x8")


def test_mantissas_at_the_borders_of_a_field(full):
    low, high = load_ports(full.ports).inputs[1].elements
    assert (low.lo, low.hi, high.lo, high.hi) == (-16, 15, -32, 31)
    assert low.mantissa(0b10000) == -16
    assert high.mantissa(0b011111_11111) == 31


@pytest.mark.parametrize("real", [1, 2, 3, 5, 9])
def test_another_latency_is_found(real):
    declared, right = 3, list(range(20))
    on_the_bus = ["unknown"] * real + right + right[-1:] * 20
    seen = on_the_bus[declared : declared + 20]
    if real != declared:
        assert other_latency(seen, right, declared) == real
    else:
        assert seen == right


def test_a_latency_is_not_guessed_from_too_little():
    assert other_latency([0, 5, 5, 5], [5, 5, 5, 5], 2) is None
    assert other_latency([7, 1, 2], [1, 2, 3], 2) is None
    assert other_latency(list("axcdefgh"), list("abcdefgh"), 2) is None


def test_latency_messages():
    assert latency_message("core", 1, 3) == (
        "core: results arrive after 1 cycle (ports.json says latency_cycles = 3)."
    )
    assert latency_message("core", None, 3) == (
        "core: results never arrive (ports.json says latency_cycles = 3)."
    )
