"""Amaranth to RTLIL to Verilog-2001, one file per module."""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import Fragment

from ..errors import BadOption
from ..ir.operations import mul
from ..schedule import Schedule
from .blocks import BlockModule
from .delays import IN_REGISTERS
from .elaboration import room_to_elaborate
from .names import unique_identifiers
from .options import MULTIPLIERS, ROM, CoreOptions
from .ports import CorePorts, core_ports
from .resets import IN_RESET
from .top import INSTANCE, Core
from .yosys import run_yosys


@dataclass(frozen=True)
class Rtl:
    """An emitted core."""

    top: str
    rtlil: str
    """Without source locations: equal for equal circuits, whatever Yosys is found."""
    files: dict[str, str]
    """Verilog by file name; the top module's comes first."""
    ports: CorePorts
    options: CoreOptions
    instances: dict[int, str]
    """Instance name of each layer (by its number in the Program) that has a module."""
    signals: dict[int, dict[int, str]]
    """Names of each value's signals, by the cycles since its stage, in the module of its layer;
    ``instance.name`` for one that stays inside of a repeated block. A wire has signals where it is
    read, registers in the middle of a long delay have none."""

    @property
    def rtlil_hash(self) -> str:
        """Hash of the RTLIL: what a refactor leaves alone. Of the empty text once loaded."""
        return hashlib.sha256(self.rtlil.encode()).hexdigest()


def emit(schedule: Schedule, top: str, options: CoreOptions | None = None) -> Rtl:
    """Emit the core as module `top` (made a legal name), one module per layer, and one for each
    block of a layer that repeats."""
    with room_to_elaborate():
        core, top = _core(schedule, top, options or CoreOptions())
        text = _to_rtlil(core, top)
    files = _to_verilog(text, top)
    files |= core.delays.files() | core.cells.files()
    return _rtl(core, top, text, files)


def from_files(schedule: Schedule, top: str, options: CoreOptions, files: dict[str, str]) -> Rtl:
    """The Rtl of Verilog that was emitted before: names and ports anew, `files` as they are."""
    core, top = _core(schedule, top, options)
    return _rtl(core, top, "", files)


def _core(schedule: Schedule, top: str, options: CoreOptions) -> tuple[Core, str]:
    program = schedule.program
    options.check_shift_registers()
    options.check_multipliers(
        {program.layers[n].name for n in program.layer[program.values_of(mul)] if n >= 0}
    )
    if schedule.is_combinational and options.has_control:
        raise BadOption(
            "a combinational core has no clock, so it has no enable, valid or reset either: "
            "leave these options out"
        )
    if options.has_valid_reset and not options.has_valid:
        raise BadOption("a reset of valid needs valid: add it")
    ports = core_ports(schedule.program.inputs, schedule.program.outputs)
    port_names = [bus.port for bus in (*ports.inputs, *ports.outputs)]
    (top,) = unique_identifiers([top], port_names)
    return Core(schedule, ports, options, top), top


def _rtl(core: Core, top: str, text: str, files: dict[str, str]) -> Rtl:
    return Rtl(
        top=top,
        rtlil=text,
        files=files,
        ports=core.ports,
        options=core.options,
        instances=core.instances,
        signals={v: dict(sorted(core.names[v].items())) for v in sorted(core.names)},
    )


def _to_rtlil(core: Core, top: str) -> str:
    design = Fragment.get(core.module(), None).prepare(ports=core.port_list, hierarchy=(top,))
    text, _ = rtlil.convert_fragment(design, name=top, emit_src=False)
    blocks = [_block_rtlil(block) for block in core.blocks]
    return "".join([_with_plain_names(text, top), *blocks])


def _block_rtlil(block: BlockModule) -> str:
    design = block.fragment().prepare(ports=block.port_list, hierarchy=(block.name,))
    text, _ = rtlil.convert_fragment(design, name=block.name, emit_src=False)
    return _with_plain_names(text, block.name).replace("attribute \\top 1\n", "")


def _with_plain_names(text: str, top: str) -> str:
    """Amaranth's own names as plain Verilog identifiers.

    It calls the module of an instance ``top.instance`` and ports that it adds itself
    ``port$1$0``. The generator line goes too: it names the version of Amaranth, no property of
    the circuit.
    """
    prefix = re.escape(f"\\{top}.") + f"(?:{INSTANCE})?"

    def module(match: re.Match[str]) -> str:
        return f"{match[1]}\\{top}__{match[2].replace('.', '__').replace('$', '__')}"

    text = re.sub(r"^attribute \\generator .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(rf"^(module |  cell ){prefix}(\S+)", module, text, flags=re.MULTILINE)
    text = text.replace("cell \\$", "cell $")  # a cell of Yosys, not an instance called so
    return re.sub(r"\\[A-Za-z_][\w$]*", lambda match: match[0].replace("$", "__"), text)


def _to_verilog(text: str, top: str) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="hgq2rtl-") as folder:
        Path(folder, "core.il").write_text(text)
        script = [
            "read_rtlil core.il",
            "proc -norom",
            "memory_collect",
            "write_verilog core.v",
        ]
        run_yosys("\n".join(script) + "\n", Path(folder))
        verilog = Path(folder, "core.v").read_text()
    return _split(_OTHER_ATTRIBUTES.sub("", verilog), top)


_OTHER_ATTRIBUTES = re.compile(
    rf"^ *\(\*(?! (?:{'|'.join([*MULTIPLIERS['lut'], *ROM, *IN_RESET])}) = ).*\*\)\n", re.MULTILINE
)
"""Attributes that Amaranth and Yosys use among themselves."""


def _split(verilog: str, top: str) -> dict[str, str]:
    """One file per module, the top first.

    What a module holds beside delays of their own stays in registers: AMD Vivado takes
    SHREG_EXTRACT of a module for all inside of it (UG901, synthesis attribute propagation rules).
    """
    modules = re.findall(r"^module ([^\s(]+).*?^endmodule$", verilog, re.MULTILINE | re.DOTALL)
    bodies = re.findall(r"^module .*?^endmodule$", verilog, re.MULTILINE | re.DOTALL)
    files = {
        f"{name}.v": f"{IN_REGISTERS}\n" * ("posedge" in body) + body + "\n"
        for name, body in zip(modules, bodies, strict=True)
    }
    first = f"{top}.v"
    return {first: files.pop(first), **files}
