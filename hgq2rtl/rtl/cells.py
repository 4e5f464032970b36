"""Cells: small modules of the vendor's primitives, each with a behavioural twin in the same file.

The files lie in ``hdl_templates/cells`` as Verilog that can be read and proved by itself; a core
brings copies of those that it uses, named after its top module.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from amaranth.hdl import Instance

PREFIX = "hgq2rtl__"
"""Of the cells' names in ``hdl_templates``."""

BUILT_OF = {"row": ("chain",), "row_of_three": ("chain",)}
"""Cells that a cell instantiates."""


@dataclass
class Cells:
    """The cells of one core: what is made as one, and which were used."""

    top: str
    pairs: Container[int] = ()
    """Values that take two positions per LUT."""
    used: set[str] = field(default_factory=set)

    def instance(self, cell: str, **connections: Any) -> Instance:
        """A `cell` with parameters and ports as Amaranth's ``Instance`` takes them."""
        self.used.update((cell, *BUILT_OF.get(cell, ())))
        return Instance(self.module_name(cell), **connections)

    def module_name(self, cell: str) -> str:
        """No layer's module is called so: their names have no two underscores in a row."""
        return f"{self.top}__cell__{cell}"

    def files(self) -> dict[str, str]:
        """Verilog of the cells that were used, by file name."""
        return {
            f"{self.module_name(cell)}.v": cell_text(cell).replace(PREFIX, self.module_name(""))
            for cell in sorted(self.used)
        }


@cache
def cell_text(cell: str) -> str:
    """The Verilog of a cell as it lies in ``hdl_templates``."""
    return files("hgq2rtl.hdl_templates").joinpath("cells", f"{cell}.v").read_text()
