"""ports.json says which bits are which number, whatever the shape."""

import pytest

from hgq2rtl.bundle import ports_json
from hgq2rtl.ir import parse, verify
from hgq2rtl.rtl import CoreOptions, from_files
from hgq2rtl.schedule import ScheduleWish, schedule
from hgq2rtl.targets import target_for

TEXT = """
port input "data in" (2,2) = 0:s8e-3:RND:WRAP:1.0 2:u0e0:RND:WRAP:1.0 2:u3e1:RND:WRAP:1.0
port input "clk" () = 0:s4e0:RND:WRAP:1.0
port output "y" () = 0:s4e0:EXACT:EXACT:1.0
%0 = input field=0 : s8e-3
%1 = input field=2 : u3e1
%2 = input port=1 field=0 : s4e0
output %2 field=0
"""


def ports(options=None, **wish):
    timing = schedule(verify(parse(TEXT)), target_for(), ScheduleWish(**wish))
    return ports_json(from_files(timing, "top", options or CoreOptions(), {}), timing)


def test_elements_and_their_bits():
    first, second = ports()["inputs"]
    assert (first["name"], first["port"], first["width"]) == ("data in", "data_in", 11)
    assert (first["shape"], first["order"]) == ([2, 2], "C")
    assert first["elements"] == [
        {"index": [0, 0], "offset": 0, "width": 8, "k": 1, "i": 4, "f": 3},
        {"index": [1, 0], "offset": 8, "width": 0, "k": 0, "i": 0, "f": 0},
        {"index": [1, 0], "offset": 8, "width": 3, "k": 0, "i": 4, "f": -1},
    ]
    assert (second["name"], second["shape"]) == ("clk", [])
    assert second["port"] != "clk"
    assert second["elements"] == [{"index": [], "offset": 0, "width": 4, "k": 1, "i": 3, "f": 0}]


def test_controls_are_named_where_they_are():
    plain = ports(stages=3)
    assert (plain["clock"], plain["enable"], plain["valid_in"]) == ("clk", None, None)
    assert (plain["latency_cycles"], plain["initiation_interval"]) == (4, 1)
    full = ports(CoreOptions(True, True, True))
    assert [full[key] for key in ("clock", "enable", "valid_in", "valid_out", "reset")] == (
        ["clk", "en", "valid_in", "valid_out", "rst"]
    )


def test_a_combinational_core_has_no_clock():
    logic = ports(is_combinational=True)
    assert (logic["clock"], logic["latency_cycles"]) == (None, 0)


@pytest.mark.parametrize("key", ["format", "version", "top"])
def test_it_says_what_it_is(key):
    assert ports()[key] == {"format": "hgq2rtl-ports", "version": 1, "top": "top"}[key]
