"""Small hand-written cores, each with its ports.json and its meaning in Python."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from hgq2rtl.sim import load_ports, pack_ports

SAMPLES = 500


def port(name, fields, width=None):
    """A port of fields (k, bits), one beside the other, with two fraction bits each."""
    offset, elements = 0, []
    for n, (k, bits) in enumerate(fields):
        elements.append(
            {"index": [n], "offset": offset, "width": bits, "k": k, "i": bits - k - 2, "f": 2}
        )
        offset += bits
    shape = {"name": name, "port": name, "width": width or max(1, offset), "shape": [len(fields)]}
    return {**shape, "order": "C", "elements": elements}


def ports_json(top, latency, inputs, outputs, **pins):
    controls = dict.fromkeys(("clock", "enable", "valid_in", "valid_out", "reset")) | pins
    head = {"format": "hgq2rtl-ports", "version": 1, "top": top, "latency_cycles": latency}
    return {**head, "initiation_interval": 1, **controls, "inputs": inputs, "outputs": outputs}


@dataclass(frozen=True)
class Design:
    """A core: its Verilog, its ports.json, and what it computes, sample by sample."""

    verilog: str
    ports: dict
    meaning: Callable

    def broken(self, old, new):
        """The same core with another netlist."""
        assert old in self.verilog
        return replace(self, verilog=self.verilog.replace(old, new))

    def with_ports(self, **changes):
        return replace(self, ports={**self.ports, **changes})

    def write(self, folder: Path) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.ports['top']}.v"
        path.write_text(self.verilog)
        return [path]

    def vectors(self, samples=SAMPLES):
        """Bus words of random inputs and of the outputs they must give."""
        ports = load_ports(self.ports)
        dice = random.Random(1)
        values = [
            [[dice.randint(e.lo, e.hi) for e in p.elements] for p in ports.inputs]
            for _ in range(samples)
        ]
        results = [self.meaning(*sample) for sample in values]
        return (
            pack_ports(ports.inputs, [np.array(m, object) for m in zip(*values, strict=True)]),
            pack_ports(ports.outputs, [np.array(m, object) for m in zip(*results, strict=True)]),
        )


@pytest.fixture
def full() -> Design:
    """Everything at once: 70-bit and signed fields, enable, valid, reset, two modules."""
    return Design(
        verilog="""
module adder (input [69:0] a, input [4:0] b, output [70:0] sum);
  wire [70:0] extended = {{66{b[4]}}, b};
  assign sum = {1'b0, a} + extended;
endmodule
module core (input clk, input ce, input rst, input in_ok, output reg out_ok,
             input [69:0] x, input [10:0] z, output reg [70:0] y, output reg [5:0] w);
  reg [69:0] x1;
  reg [10:0] z1;
  reg ok1;
  wire [70:0] total;
  wire [3:0] seven = 4'd7;
  adder layer (.a(x1), .b(z1[4:0]), .sum(total));
  initial begin ok1 = 1'b0; out_ok = 1'b0; end
  always @(posedge clk) if (ce) begin
    x1 <= x;
    z1 <= z;
    y <= total;
    w <= z1[10:5];
  end
  always @(posedge clk)
    if (rst) begin ok1 <= 1'b0; out_ok <= 1'b0; end
    else if (ce) begin ok1 <= in_ok; out_ok <= ok1; end
endmodule
""",
        ports=ports_json(
            *("core", 2, [port("x", [(0, 70)]), port("z", [(1, 5), (1, 6)])]),
            [port("y", [(0, 71)]), port("w", [(1, 6)])],
            **{"clock": "clk", "enable": "ce", "reset": "rst"},
            **{"valid_in": "in_ok", "valid_out": "out_ok"},
        ),
        meaning=lambda x, z: ([(x[0] + z[0]) % 2**71], [z[1]]),
    )


@pytest.fixture
def plain() -> Design:
    """Three registers around an adder; no control pins."""
    return Design(
        verilog="""
module plain (input clk, input [7:0] x, output [7:0] y);
  reg [7:0] a, b, c;
  always @(posedge clk) begin a <= x; b <= a + 8'd3; c <= b; end
  assign y = c;
endmodule
""",
        ports=ports_json(
            "plain", 3, [port("x", [(0, 8)])], [port("y", [(1, 4), (0, 4)])], clock="clk"
        ),
        meaning=lambda x: ([((x[0] + 3 & 15) ^ 8) - 8, (x[0] + 3 & 255) >> 4],),
    )


WIDTHS = (1, 8, 9, 16, 32, 33, 64, 65, 200)


@pytest.fixture
def combinational() -> Design:
    """No clock, one bus of every type that Verilator has, and a port that carries nothing."""
    pins = [f"input [{w - 1}:0] x{w}, output [{w - 1}:0] y{w}" for w in WIDTHS]
    body = [f"  assign y{w} = ~x{w};" for w in WIDTHS]
    return Design(
        verilog="\n".join(
            [
                f"module inverter ({', '.join(pins)}, input nothing, output zero);",
                *body,
                "  assign zero = 1'b0;",
                "endmodule",
                "",
            ]
        ),
        ports=ports_json(
            *("inverter", 0),
            [port(f"x{w}", [(0, w)]) for w in WIDTHS] + [port("nothing", [(0, 0)])],
            [port(f"y{w}", [(0, w)]) for w in WIDTHS] + [port("zero", [(0, 0)])],
        ),
        meaning=lambda *x: (
            [[~m & (1 << w) - 1] for (m,), w in zip(x, WIDTHS, strict=False)] + [[0]]
        ),
    )


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """The user's cache stays alone."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("HGQ2RTL_CACHE", str(folder))
        yield folder
