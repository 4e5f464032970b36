"""Masks as the synchronous reset of the register behind them: they cost no LUT."""

from __future__ import annotations

from amaranth.hdl import ClockSignal, Const, Instance, Signal, Value

IN_RESET = {"extract_reset": "yes"}
IN_LUTS = {"extract_reset": "no"}
"""AMD Vivado (UG901, EXTRACT_RESET), on a register: whether its reset is the flip-flop's own.
Intel Quartus takes synchronous clears as they are written (ALLOW_SYNCH_CTRL_USAGE, on unless it is
turned off), so it is told nothing."""


def reset_register(q: Signal, d: Value, bit: Value, when: int, enable: Signal | None) -> Instance:
    """A register: ``if (bit == when) q <= d; else q <= 0``, where the core is enabled.

    A cell of Yosys, whose Verilog says so in one clocked process; as statements the reset would
    be a choice before the register.
    """
    ports = {
        "p_WIDTH": len(q),
        "p_CLK_POLARITY": 1,
        "p_SRST_POLARITY": 1 - when,
        "p_SRST_VALUE": Const(0, len(q)),
        "i_CLK": ClockSignal(),
        "i_SRST": bit,
        "i_D": d,
        "o_Q": q,
    }
    if enable is None:
        return Instance("$sdff", **ports)
    return Instance("$sdffce", p_EN_POLARITY=1, i_EN=enable, **ports)
