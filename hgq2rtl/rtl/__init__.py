"""From (Program, Schedule) to Amaranth components and to Verilog."""

from .names import unique_identifiers
from .ports import CorePorts, PortField, core_ports
from .top import CoreOptions
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
