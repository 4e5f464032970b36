"""ports.json: everything that a test bench must know of a core beside its Verilog.

Takes the JSON that a compile writes, gives frozen records. Standard library
only: `hgq2rtl` uses it, and so does the copy in an output folder's ``sim/``.

A port carries fields side by side. A field is an integer of ``width`` bits at
bit ``offset``, two's complement where ``k`` is 1, and stands for the value
``mantissa * 2**-f``. An index of the port's array may have several fields (one
per format in which the model reads it); a field of width 0 is the constant
zero and lies nowhere on the bus.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

if __package__:
    from hgq2rtl import errors
else:  # the copy in an output folder: hgq2rtl need not be installed
    import errors  # type: ignore[import-not-found,no-redef]

FORMAT = "hgq2rtl-ports"
VERSION = 1
WORD_BITS = 32


@dataclass(frozen=True)
class Element:
    """One field of a port."""

    index: tuple[int, ...]
    offset: int
    width: int
    k: int
    i: int
    f: int

    @property
    def is_signed(self) -> bool:
        return self.k == 1 and self.width > 0

    @property
    def lo(self) -> int:
        """The least mantissa that the field can hold."""
        return -(1 << (self.width - 1)) if self.is_signed else 0

    @property
    def hi(self) -> int:
        """The greatest mantissa that the field can hold."""
        return (1 << (self.width - self.is_signed)) - 1

    def mantissa(self, bus: int) -> int:
        """The field's integer on a bus that carries the bits of `bus`."""
        m = (bus >> self.offset) & ((1 << self.width) - 1)
        return m - (1 << self.width) if m > self.hi else m


@dataclass(frozen=True)
class Port:
    """An input or output of the core: a name in the model, one in Verilog, and fields."""

    name: str
    port: str
    width: int
    shape: tuple[int, ...]
    order: str
    elements: tuple[Element, ...]

    @property
    def words(self) -> int:
        """32-bit words that one sample takes in a vector file."""
        return -(-self.width // WORD_BITS)


@dataclass(frozen=True)
class Ports:
    """The outside of a core."""

    top: str
    latency_cycles: int
    initiation_interval: int
    clock: str | None
    enable: str | None
    valid_in: str | None
    valid_out: str | None
    reset: str | None
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


def load_ports(source: Ports | Mapping[str, Any] | str | Path) -> Ports:
    """Read and check a ``ports.json``: a path, its parsed content, or the records themselves."""
    if isinstance(source, Ports):
        return source
    if isinstance(source, Mapping):
        return _from_json(source, "ports.json")
    try:
        content = json.loads(Path(source).read_text(encoding="utf-8"))
    except OSError as error:
        raise errors.BadInput(f"{source} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise errors.BadInput(f"{source} is not JSON: {error}.") from error
    return _from_json(content, str(source))


def to_json(ports: Ports) -> dict[str, Any]:
    """The content of ``ports.json``."""
    return {"format": FORMAT, "version": VERSION, **asdict(ports)}


def _from_json(content: Any, where: str) -> Ports:
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise errors.BadInput(
            f'{where} does not describe ports: it lacks "format": "{FORMAT}". '
            f"Give the ports.json that a compile wrote."
        )
    if content.get("version") != VERSION:
        raise errors.BadInput(
            f"{where} has version {content.get('version')!r}, this reader knows {VERSION}. "
            f"Use the hgq2rtl that wrote it, or compile again."
        )
    try:
        ports = Ports(
            top=content["top"],
            latency_cycles=int(content["latency_cycles"]),
            initiation_interval=int(content["initiation_interval"]),
            clock=content["clock"],
            enable=content["enable"],
            valid_in=content["valid_in"],
            valid_out=content["valid_out"],
            reset=content["reset"],
            inputs=tuple(_port(port) for port in content["inputs"]),
            outputs=tuple(_port(port) for port in content["outputs"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise errors.BadInput(f"{where} is damaged: {error!r}. Compile again.") from error
    for complaint in _complaints(ports):
        raise errors.BadInput(f"{where}: {complaint} Compile again.")
    return ports


def _port(content: Mapping[str, Any]) -> Port:
    return Port(
        name=content["name"],
        port=content["port"],
        width=int(content["width"]),
        shape=tuple(content["shape"]),
        order=content["order"],
        elements=tuple(
            Element(tuple(e["index"]), e["offset"], e["width"], e["k"], e["i"], e["f"])
            for e in content["elements"]
        ),
    )


def _complaints(ports: Ports) -> Iterator[str]:
    if ports.initiation_interval != 1:
        yield "these benches drive one sample a clock, so initiation_interval must be 1."
    if ports.clock is None and (ports.latency_cycles or ports.enable or ports.valid_out):
        yield "a core without clock has neither latency nor enable nor valid."
    if (ports.valid_in is None) != (ports.valid_out is None):
        yield "valid_in and valid_out come together or not at all."
    if not ports.inputs or not ports.outputs:
        yield "a core has at least one input and one output."
    for port in ports.inputs + ports.outputs:
        if port.width < 1:
            yield f"port {port.port} is {port.width} bits wide; one bit is the least."
        for e in port.elements:
            if e.width < 0 or e.offset < 0 or (e.width and e.offset + e.width > port.width):
                yield (
                    f"port {port.port}, element {list(e.index)}: bits {e.offset} to "
                    f"{e.offset + e.width - 1} lie outside its {port.width} bits."
                )


def difference(port: Port, expected: int, got: int) -> str:
    """Name the first element of `port` that differs between two bus values."""
    for e in port.elements:
        want, have = e.mantissa(expected), e.mantissa(got)
        if want != have:
            return (
                f"element {list(e.index)} of {port.name} "
                f"({port.port}[{e.offset + e.width - 1}:{e.offset}]): "
                f"expected {want} ({_value(want, e.f)}), got {have} ({_value(have, e.f)})"
            )
    return f"{port.port}: bits outside every element: expected 0x{expected:x}, got 0x{got:x}"


def _value(mantissa: int, f: int) -> str:
    try:
        return f"{mantissa * 2.0**-f:g}"
    except OverflowError:
        return f"{mantissa} * 2**{-f}"


def cycles(count: int) -> str:
    return f"{count} cycle" if count == 1 else f"{count} cycles"


def latency_message(top: str, measured: int | None, declared: int) -> str:
    """What a bench says where results come at another time than ports.json says."""
    if measured is None:
        found = "results never arrive"
    else:
        found = f"results arrive after {cycles(measured)}"
    return f"{top}: {found} (ports.json says latency_cycles = {declared})."


def other_latency(seen: Sequence[Any], expected: Sequence[Any], declared: int) -> int | None:
    """The latency at which the wrong results `seen` would be right.

    ``seen[t]`` is what the outputs showed when sample ``t`` was due. Believed on
    evidence only: four samples or more, not all alike, must agree.
    """
    for shift in range(1, 65):
        pairs = [(declared + shift, seen[shift:], expected[:-shift])]
        if shift <= declared:
            pairs.append((declared - shift, seen[:-shift], expected[shift:]))
        for latency, view, right in pairs:
            if len(right) >= 4 and any(r != right[0] for r in right) and view == right:
                return latency
    return None
