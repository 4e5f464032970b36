"""What a core is asked to have, and what synthesis tools are told about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import BadOption
from ..targets import CASCADED_TABLE_BITS

MULTIPLIERS = {
    "lut": {"use_dsp": "no", "multstyle": "logic"},
    "dsp": {"use_dsp": "yes", "multstyle": "dsp"},
}
"""Attributes on the wire of a product: AMD Vivado (UG901, USE_DSP) reads the one, Intel Quartus
(Design Compilation User Guide, multiplier style) the other."""

ROM = {"rom_style": "distributed", "romstyle": "logic", "ram_style": "registers"}
"""The same for a memory that is read without a clock (UG901, ROM_STYLE; RAM and ROM style). The
last is for Yosys, which reads ``ram_style`` first and takes ``distributed`` for RAM, which a part
may lack."""

CLOCKED_ROM = {"rom_style": "block", "romstyle": "M20K", "ram_style": "block"}
"""The same for a memory whose word is a register: block RAM."""


@dataclass(frozen=True)
class CoreOptions:
    """Control ports of a pipelined core, and hints for synthesis."""

    has_enable: bool = False
    has_valid: bool = False
    has_valid_reset: bool = False
    multipliers: Mapping[str, str] = field(default_factory=dict)
    """By name of a layer ``lut`` or ``dsp``: where its products of two variables are built. The
    name ``""`` stands for all layers that are not named; without a word the tool chooses."""
    cascaded_table_bits: int = CASCADED_TABLE_BITS
    """Address bits up to which a table is a cascade of LUTs whatever the tool is told. A larger
    one is asked to be a ROM in LUTs: block RAM cannot be read without a clock."""
    has_primitives: bool = False
    """Whether rows, choices and small tables are cells of AMD's primitives, with behavioural twins
    for simulators, or plain operators."""
    shift_register_length: int | None = None
    """Delays of at least so many registers in a row that nothing reads between are shift registers
    in LUTs; None: registers all of them."""

    @property
    def has_control(self) -> bool:
        """Whether there is a control port that needs a clock."""
        return self.has_enable or self.has_valid or self.has_valid_reset

    def product_attributes(self, layer: str) -> Mapping[str, Any]:
        """Attributes of the wires that hold products of `layer`."""
        where = self.multipliers.get(layer, self.multipliers.get(""))
        return MULTIPLIERS[where] if where else {}

    def table_attributes(self, address_bits: int, is_clocked: bool = False) -> Mapping[str, Any]:
        """Attributes of a table's memory."""
        if is_clocked:
            return CLOCKED_ROM
        return ROM if address_bits > self.cascaded_table_bits else {}

    def check_shift_registers(self) -> None:
        """Refuse a length that is none.

        Raises
        ------
        BadOption
            Saying what may be given.
        """
        length = self.shift_register_length
        if length is not None and length < 2:
            raise BadOption(
                f"shift registers of {length} registers: give a length of at least 2, or leave the "
                "option out"
            )

    def check_multipliers(self, layers: set[str]) -> None:
        """Refuse words and layers that do not exist.

        Raises
        ------
        BadOption
            Naming the layer and what may be given.
        """
        for name, where in self.multipliers.items():
            if where not in MULTIPLIERS:
                place = f"layer {name!r}" if name else "all layers"
                raise BadOption(
                    f"multipliers of {place}: {where!r} is no place for them. Give "
                    f"{' or '.join(MULTIPLIERS)}."
                )
            if name and name not in layers:
                raise BadOption(
                    f"multipliers of layer {name!r}: there is no such layer. Layers with products "
                    f"of two variables: {', '.join(sorted(layers)) or 'none'}."
                )
