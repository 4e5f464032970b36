"""A part on which times can be worked out in the head: a LUT and its net take 1 ns."""

from __future__ import annotations

from hgq2rtl.targets import Target

ONE_NS = Target(
    part="one-ns",
    family="none",
    lut_inputs=6,
    carry_bits=8,
    primitives=False,
    sums={"cost": "rows", "carry_position": 0.25, "three_operand_rows": False},
    cascaded_table_bits=8,
    largest_table_bits=16,
    delay_ns={
        "lut": 0.25,
        "carry_entry": 0.25,
        "carry_per_bit": 0.0,
        "carry_per_block": 0.0,
        "carry_exit": 0.0,
        "table_mux": 1.0,
        "net": 0.75,
        "fan_out": 0.0,
        "growth": 0.0,
        "clock_to_out": 0.25,
        "setup": 0.25,
        "reset_setup": 0.5,
        "rom_clock_to_out": 0.25,
        "rom_setup": 0.25,
    },
    growth_power=1.0,
)
