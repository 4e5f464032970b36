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
        "net": 0.75,
        "carry_per_bit": 0.0,
        "clock_to_out": 0.25,
        "setup": 0.25,
        "multiply_per_level": 1.0,
        "table": 1.0,
    },
)
