"""Simulation: a core's Verilog and ports.json in, its outputs bit by bit out.

Two benches drive a sample in every clock cycle. `build` makes the fast one
(Verilator and C++, millions of samples); `write_cocotb_bench` makes one of
cocotb that goes into the output folder, for people to read, run and extend.
Both take and give bus words, which `pack` and `unpack` turn from and to
mantissas.
"""

from hgq2rtl.sim.cocotb_bench import CocotbResult, run_cocotb, write_cocotb_bench
from hgq2rtl.sim.ports import Element, Port, Ports, load_ports
from hgq2rtl.sim.vectors import pack, pack_ports, unpack, unpack_ports
from hgq2rtl.sim.verilator import Bench, Probe, build, compare

__all__ = [
    "Bench",
    "CocotbResult",
    "Element",
    "Port",
    "Ports",
    "Probe",
    "build",
    "compare",
    "load_ports",
    "pack",
    "pack_ports",
    "run_cocotb",
    "unpack",
    "unpack_ports",
    "write_cocotb_bench",
]
