"""Long delays: many registers in a row that nothing reads between, as one instance.

A recurrence of a thousand steps holds its last input for a thousand cycles. One signal per
register would make millions; a module with a vector keeps the circuit linear in what is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from amaranth.hdl import ClockSignal, Instance, Signal, Value

LONGEST_ROW = 16
"""Registers in a row that are written one by one."""

_MODULE = """\
module {name}(clk, en, d, q);
  parameter WIDTH = 1;
  parameter DEPTH = 2;
  input clk;
  input en;
  input [WIDTH-1:0] d;
  output [WIDTH-1:0] q;
  reg [WIDTH*DEPTH-1:0] line;
  assign q = line[WIDTH*DEPTH-1:WIDTH*(DEPTH-1)];
  always @(posedge clk)
    if (en) line <= {{line[WIDTH*(DEPTH-1)-1:0], d}};
endmodule
"""


def module_name(top: str) -> str:
    """Of the delay module that a core brings along. No layer's module is called so."""
    return f"{top}__long__delay"


def module_text(top: str) -> str:
    """Its Verilog."""
    return _MODULE.format(name=module_name(top))


def steps(read: Iterable[int], last_written_out: int) -> Iterator[tuple[int, int]]:
    """From register to register of one value: pairs of cycles since it was computed.

    Parameters
    ----------
    read : cycles later at which something reads it
    last_written_out : cycles up to which each register is needed by itself

    Examples
    --------
    >>> list(steps([2, 40], 0))
    [(0, 1), (1, 2), (2, 40)]
    """
    at = 0
    for target in sorted({*read, *range(last_written_out + 1)} - {0}):
        if target - at > LONGEST_ROW:
            yield at, target
        else:
            yield from zip(range(at, target), range(at + 1, target + 1), strict=True)
        at = target


def delay(top: str, depth: int, before: Value, after: Signal, enable: Value) -> Instance:
    """`after` is `before`, `depth` enabled cycles ago."""
    return Instance(
        module_name(top),
        p_WIDTH=len(after),
        p_DEPTH=depth,
        i_clk=ClockSignal(),
        i_en=enable,
        i_d=before,
        o_q=after,
    )
