"""The text form of a Program, for people and tests.

::

    input x (4) = s8e-3:RND:WRAP u4e0:RND:SAT ...
    layer "dense_1" QDense
    table 3: 0 1 1 2
    %0 = input field=0 : s8e0
    %1 = add %0, %0 shift=3 : s12e0 @0[5]
    %2 = lincomb 3*%0 -5*%1 group=1 : s17e0
    %3 = row 4*%0 -1*%1 : u13e0
    %4 = quantize %1 k=0 bits=4 wrap : u4e0 @0[5] #2
    output %4

``@0[5]`` is layer and element, ``#2`` the repeated block that a value belongs to. Attributes at
their default are left out. A text without port lines gets one input port ``x`` and one output
port ``y`` with the formats that it uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from ..errors import BadProgram
from ..fixed import Format
from .builder import Builder
from .operations import BY_NAME, Attribute, Operation, const, input_, output
from .program import Field, LayerName, Program, ProgramPort, Table, Value, integer_array

# -- writing ---------------------------------------------------------------


def to_text(program: Program) -> str:
    """Write `program`; :func:`parse` reads it back unchanged."""
    lines = [_port_line("input", port) for port in program.inputs]
    lines += [_port_line("output", port) for port in program.outputs]
    lines += [f"layer {json.dumps(layer.name)} {layer.class_name}" for layer in program.layers]
    lines += [
        f"table {table.base}: {' '.join(map(str, table.contents.tolist()))}"
        for table in program.tables
    ]
    lines += [_value_line(value) for value in program]
    return "\n".join(lines) + "\n"


def _port_line(word: str, port: ProgramPort) -> str:
    shape = ",".join(map(str, port.shape))
    fields = " ".join(
        f"{field.element}:{field.format}:{field.rounding}:{field.overflow}:{field.scaler!r}"
        + ("" if field.keeps_negative is None else f":{int(field.keeps_negative)}")
        + ("" if field.float_type == "float32" else f":{field.float_type}")
        for field in port.fields
    )
    return f"port {word} {json.dumps(port.name)} ({shape}) = {fields}"


def _value_line(value: Value) -> str:
    words = []
    if value.operation.has_weights:
        words += [f"{w}*%{o}" for w, o in zip(value.weights, value.operands, strict=True)]
    elif value.operands:
        words.append(", ".join(f"%{o}" for o in value.operands))
    for attribute in value.operation.attributes:
        given = value.attributes[attribute.name]
        if given != attribute.default:
            words.append(f"{attribute.name}={given}")
    if value.is_wrapping:
        words.append("wrap")
    layer, element = value.provenance
    place = f" @{layer}[{element}]" if layer >= 0 else ""
    place += f" #{value.block}" if value.block >= 0 else ""
    if value.operation is output:
        return f"output {' '.join(words)}{place}"
    body = " ".join([value.operation.name, *words])
    return f"%{value.number} = {body} : {value.format}{place}"


# -- reading ---------------------------------------------------------------

_PORT = re.compile(r'port (input|output) ("(?:[^"\\]|\\.)*") \(([\d,]*)\) =((?: \S+)*)')
_LAYER = re.compile(r'layer ("(?:[^"\\]|\\.)*") (\S+)')
_TABLE = re.compile(r"table (-?\d+):((?: -?\d+)+)")
_PLACE = r"(?: @(\d+)\[(-?\d+)\])?(?: #(\d+))?"
_VALUE = re.compile(r"%(\d+) = (\w+)(.*?) : (\S+)" + _PLACE)
_OUTPUT = re.compile(r"output (%\d+)(.*?)" + _PLACE)


def parse(text: str) -> Program:
    """Read the text form. The result is not verified: call ``verify``.

    Raises
    ------
    BadProgram
        Naming the line that cannot be read.
    """
    return _Parser().read(text)


class _Parser:
    def __init__(self) -> None:
        self.builder = Builder()
        self.names: dict[str, int] = {}
        self.has_ports = False
        self.loose_inputs: list[Format] = []
        self.loose_outputs: list[int] = []

    def read(self, text: str) -> Program:
        for number, line in enumerate(text.splitlines(), 1):
            line = line.split(";")[0].strip() if '"' not in line else line.strip()
            if not line:
                continue
            try:
                self._line(line)
            except (IndexError, ValueError) as problem:
                raise BadProgram(f"line {number}: {line[:80]!r}: {problem}") from None
        try:
            program = self.builder.build()
        except OverflowError:
            raise BadProgram("an attribute or a layer's number is beyond 64 bits") from None
        return program if self.has_ports else self._with_loose_ports(program)

    def _line(self, line: str) -> None:
        if match := _PORT.fullmatch(line):
            self._port(*match.groups())
        elif match := _LAYER.fullmatch(line):
            self.builder.layers.append(LayerName(json.loads(match[1]), match[2]))
        elif match := _TABLE.fullmatch(line):
            contents = integer_array([int(n) for n in match[2].split()])
            self.builder.tables.append(Table(int(match[1]), contents))
        elif match := _VALUE.fullmatch(line):
            self._value(*match.groups())
        elif match := _OUTPUT.fullmatch(line):
            self._output(*match.groups())
        else:
            raise ValueError("this is no line of a Program")

    def _port(self, word: str, name: str, shape: str, fields: str) -> None:
        port = ProgramPort(
            json.loads(name),
            tuple(int(n) for n in shape.split(",") if n),
            tuple(_field(each) for each in fields.split()),
        )
        (self.builder.inputs if word == "input" else self.builder.outputs).append(port)
        self.has_ports = True

    def _value(self, name: str, word: str, rest: str, format: str, *place: str | None) -> None:
        which = BY_NAME.get(word)
        if which is None or which is output:
            raise ValueError(f"there is no operation {word!r}")
        if f"%{name}" in self.names:
            raise ValueError(f"%{name} is there already")
        operands, weights, attributes, wraps = self._words(which, rest)
        given = Format.parse(format)
        if which is input_ and not self.has_ports:
            attributes.setdefault("field", len(self.loose_inputs))
            self.loose_inputs.append(given)
        if which is const and not given.is_constant:
            raise ValueError("a constant is written with its interval, u3e0[5,5]")
        self._at(*place)
        self.names[f"%{name}"] = self.builder.value(
            which,
            operands,
            attributes,
            interval=(given.lo, given.hi),
            exponent=given.exponent,
            wraps=wraps,
            weights=weights,
        )

    def _output(self, operand: str, rest: str, *place: str | None) -> None:
        value = self._known(operand)
        _, _, attributes, _ = self._words(output, f"{operand} {rest}")
        if not self.has_ports:
            attributes.setdefault("field", len(self.loose_outputs))
            self.loose_outputs.append(value)
        self._at(*place)
        self.builder.value(output, (value,), attributes)

    def _at(self, layer: str | None, element: str | None, block: str | None) -> None:
        self.builder.at = (-1, -1) if layer is None else (int(layer), int(element or -1))
        self.builder.block = -1 if block is None else int(block)

    def _words(
        self, which: Operation, rest: str
    ) -> tuple[list[int], list[int], dict[str, int | str], bool]:
        operands: list[int] = []
        weights: list[int] = []
        attributes: dict[str, int | str] = {}
        known = {a.name: a for a in which.attributes}
        wraps = False
        for word in rest.replace(",", " ").split():
            name, is_attribute, given = word.partition("=")
            weight, is_term, operand = word.partition("*")
            if is_attribute:
                attributes[name] = _attribute(which, known.get(name), name, given)
            elif word == "wrap":
                wraps = True
            elif is_term:
                operands.append(self._known(operand))
                weights.append(int(weight))
            else:
                operands.append(self._known(word))
        for attribute in which.attributes:
            is_port = attribute.name == "field" and not self.has_ports
            if attribute.default is None and attribute.name not in attributes and not is_port:
                raise ValueError(f"{attribute.name}= is missing")
        if which.operands is not None and len(operands) != which.operands:
            raise ValueError(f"{which.name} takes {which.operands} operands")
        return operands, weights, attributes, wraps

    def _known(self, name: str) -> int:
        if name not in self.names:
            raise ValueError(f"there is no {name} above")
        return self.names[name]

    def _with_loose_ports(self, program: Program) -> Program:
        def port(name: str, formats: Iterable[Format]) -> tuple[ProgramPort, ...]:
            fields = tuple(Field(n, format) for n, format in enumerate(formats))
            return (ProgramPort(name, (len(fields),), fields),) if fields else ()

        outputs = [program.format(v) for v in self.loose_outputs]
        return program.with_ports(port("x", self.loose_inputs), port("y", outputs))


def _attribute(which: Operation, attribute: Attribute | None, name: str, given: str) -> int | str:
    if attribute is None:
        raise ValueError(f"{which.name} has no attribute {name!r}")
    if not attribute.words:
        return int(given)
    if given not in attribute.words:
        raise ValueError(f"{name} is one of {', '.join(attribute.words)}, not {given!r}")
    return given


def _field(text: str) -> Field:
    element, format, rounding, overflow, scaler, *rest = text.split(":")
    float_type = rest.pop() if rest and rest[-1].startswith("float") else "float32"
    keeps_negative = bool(int(rest.pop())) if rest else None
    if rest:
        raise ValueError(f"{rest[0]!r} says nothing of a field")
    return Field(
        int(element),
        Format.parse(format),
        rounding,
        overflow,
        float(scaler),
        keeps_negative,
        float_type,
    )
