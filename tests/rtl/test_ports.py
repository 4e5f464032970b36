"""How numbers lie on buses: what every test bench and integration relies on."""

from __future__ import annotations

from hgq2rtl.fixed import Format
from hgq2rtl.ir import Field, ProgramPort
from hgq2rtl.rtl import PortField, core_ports
from hgq2rtl.rtl.ports import CONTROL_NAMES, bus_json


def port(name: str, shape: tuple[int, ...], *fields: tuple[int, int, int, int]) -> ProgramPort:
    """Fields as (element, k, i, f)."""
    return ProgramPort(
        name, shape, tuple(Field(e, Format.from_kif(k, i, f)) for e, k, i, f in fields)
    )


def only_bus(given: ProgramPort):
    return core_ports([given], []).inputs[0]


def test_fields_lie_side_by_side_the_first_in_the_low_bits():
    """Catches offsets that overlap or leave holes, and indices in another order than C."""
    bus = only_bus(port("x", (2, 2), (0, 1, 2, 3), (1, 0, 4, 0), (2, 1, 0, 0), (3, 0, 2, 9)))
    assert bus.width == 6 + 4 + 1 + 11
    assert bus.fields == (
        PortField((0, 0), 0, 6, 1, 2, 3),
        PortField((0, 1), 6, 4, 0, 4, 0),
        PortField((1, 0), 10, 1, 1, 0, 0),
        PortField((1, 1), 11, 11, 0, 2, 9),
    )


def test_a_field_without_bits_takes_no_room():
    bus = only_bus(port("x", (3,), (0, 1, 2, 3), (1, 0, -1, 1), (2, 0, 4, 0)))
    assert [(field.offset, field.width) for field in bus.fields] == [(0, 6), (6, 0), (6, 4)]
    assert bus.width == 10


def test_an_element_read_in_several_formats_has_several_fields():
    bus = only_bus(port("x", (2,), (1, 1, 2, 3), (0, 0, 2, 0), (1, 1, 4, 0)))
    assert [field.index for field in bus.fields] == [(1,), (0,), (1,)]
    assert [field.offset for field in bus.fields] == [0, 6, 8]


def test_an_empty_bus_keeps_one_bit():
    """Verilog has no bus without bits."""
    assert only_bus(port("x", (0,))).width == 1
    assert only_bus(port("x", (1,), (0, 0, 0, 0))).width == 1


def test_a_scalar_has_an_empty_index():
    bus = only_bus(port("x", (), (0, 1, 3, 0)))
    assert bus.fields == (PortField((), 0, 4, 1, 3, 0),)


def test_port_names_are_unique_over_both_directions_and_the_controls():
    """Catches an input and an output of one name, and one that is called like the clock."""
    ports = core_ports([port("x", ()), port("CLK", ())], [port("x", ()), port("valid_out", ())])
    names = [bus.port for bus in (*ports.inputs, *ports.outputs)]
    assert names == ["x", "CLK_2", "x_2", "valid_out_2"]
    assert [bus.name for bus in ports.outputs] == ["x", "valid_out"]
    assert not {name.lower() for name in names} & set(CONTROL_NAMES)


def test_ports_json_says_it_all():
    bus = only_bus(port("layer/x", (1, 2), (1, 1, 2, -1)))
    assert bus_json(bus) == {
        "name": "layer/x",
        "port": "layer_x",
        "width": 2,
        "shape": [1, 2],
        "order": "C",
        "elements": [{"index": [0, 1], "offset": 0, "width": 2, "k": 1, "i": 2, "f": -1}],
    }
