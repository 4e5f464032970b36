"""From (Program, Schedule) to Amaranth components and to Verilog."""

from .names import unique_identifiers
from .options import CoreOptions
from .ports import CorePorts, PortField, core_ports
from .verilog import Rtl, emit, from_files

__all__ = [
    "CoreOptions",
    "CorePorts",
    "PortField",
    "Rtl",
    "core_ports",
    "emit",
    "from_files",
    "unique_identifiers",
]
