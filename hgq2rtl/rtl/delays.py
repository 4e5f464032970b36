"""Long delays: many registers in a row that nothing reads between, as one instance.

A recurrence of a thousand steps holds its last input for a thousand cycles. One signal per
register would make millions; a module with a vector keeps the circuit linear in what is read.
Where shift registers are wanted, a row that is long enough is one.
"""

from __future__ import annotations

from collections.abc import Iterable

from amaranth.hdl import ClockSignal, Const, Instance, Signal, Value

LONGEST_ROW = 16
"""Registers in a row that are written one by one."""

IN_REGISTERS = '(* shreg_extract = "no" *)'
IN_SHIFT_REGISTERS = '(* shreg_extract = "yes", srl_style = "srl" *)'
"""AMD Vivado (UG901, SHREG_EXTRACT and SRL_STYLE): the whole row in LUTs, with no register before
or behind them."""

_MODULES = {"long__delay": IN_REGISTERS, "shift__register": IN_SHIFT_REGISTERS}

_TEXT = """\
module {name}(clk, en, d, q);
  parameter WIDTH = 1;
  parameter DEPTH = 2;
  input clk;
  input en;
  input [WIDTH-1:0] d;
  output [WIDTH-1:0] q;
  {attributes}
  reg [WIDTH*DEPTH-1:0] line;
  assign q = line[WIDTH*DEPTH-1:WIDTH*(DEPTH-1)];
  always @(posedge clk)
    if (en) line <= {{line[WIDTH*(DEPTH-1)-1:0], d}};
endmodule
"""


def longest_row(shift_register_length: int | None) -> int:
    """Registers in a row that are written one by one, if rows of a length are shift registers."""
    return min(LONGEST_ROW, (shift_register_length or LONGEST_ROW + 1) - 1)


def places(first: int, read: Iterable[int], longest: int = LONGEST_ROW) -> tuple[int, ...]:
    """The cycles in which a value has a signal, from register to register.

    Parameters
    ----------
    first : the cycle in which logic gives it
    read : the cycles in which something reads it

    Examples
    --------
    >>> places(0, [2, 40])
    (0, 1, 2, 40)
    """
    made = [first]
    for cycle in sorted(read):
        if cycle - made[-1] > longest:
            made.append(cycle)
        else:
            made.extend(range(made[-1] + 1, cycle + 1))
    return tuple(made)


class Delays:
    """The delay modules of one core."""

    def __init__(self, top: str, shift_register_length: int | None):
        self.top = top
        self.shift_register_length = shift_register_length
        self.used: set[str] = set()

    def instance(self, depth: int, before: Value, after: Signal, enable: Signal | None) -> Instance:
        """`after` is `before`, `depth` enabled cycles ago."""
        is_shift_register = depth >= (self.shift_register_length or depth + 1)
        which = "shift__register" if is_shift_register else "long__delay"
        self.used.add(which)
        return Instance(
            self._name(which),
            p_WIDTH=len(after),
            p_DEPTH=depth,
            i_clk=ClockSignal(),
            i_en=Const(1) if enable is None else enable,
            i_d=before,
            o_q=after,
        )

    def files(self) -> dict[str, str]:
        """Verilog of the modules that were used, by file name."""
        names = {which: self._name(which) for which in sorted(self.used)}
        return {
            f"{name}.v": _TEXT.format(name=name, attributes=_MODULES[which])
            for which, name in names.items()
        }

    def _name(self, which: str) -> str:
        """No layer's module is called so: their names have no two underscores in a row."""
        return f"{self.top}__{which}"
