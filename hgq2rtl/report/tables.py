"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for n, column in enumerate(columns):
        table.add_column(column, justify="left" if n < 2 else "right", overflow="fold")
    return table


def layer_table(report: Mapping[str, Any]) -> Table:
    """Layer by layer: wires, adders, EBOPs, LUTs, inverters, carry positions, registers."""
    keys = ("wires", "adders", "ebops", "luts", "inverters", "carry_positions", "register_bits")
    heads = ("wire bits", "adders", "EBOPs", "LUTs*", "inverters*", "carry*", "register bits")
    table = _table(plain(report["top"]), "layer", "class", *heads)
    for layer in report["layers"]:
        cells = [f"{layer[key]:.0f}" for key in keys]
        table.add_row(Text(plain(layer["name"])), Text(layer["class"]), *cells)
    table.add_section()
    table.add_row("total", "", *(f"{report[key]:.0f}" for key in keys))
    table.caption = "* counted on the Program before synthesis: carry in positions of chains"
    table.caption_justify = "left"
    return table


def block_table(blocks: Sequence[Mapping[str, Any]]) -> Table:
    """Constant products, solved: size, adders, depth and costs."""
    keys = ("adders", "depth", "row_bits", "inverters", "carry_positions", "signed_bits")
    heads = ("adders", "depth", "LUTs", "inverters", "carry only", "signed")
    table = _table("constant products", "block", "size", *heads)
    for block in blocks:
        size = f"{len(block['inputs'])}x{len(block['outputs'])}"
        table.add_row(Text(plain(block["name"])), size, *(str(block[key]) for key in keys))
    table.add_section()
    totals = [str(sum(block[key] for block in blocks)) for key in keys]
    totals[1] = str(max((block["depth"] for block in blocks), default=0))
    table.add_row("total", "", *totals)
    table.caption = (
        "LUTs: of unsigned rows; carry only: positions without a LUT; signed: LUTs of the same "
        "graph as two's complement adders"
    )
    table.caption_justify = "left"
    return table


def info_table(info: Mapping[str, Any]) -> Table:
    """Layer by layer: shape, formats, EBOPs, pruned share."""
    table = _table(
        f"{plain(info['model'])}  ({plain(info['origin'])})",
        *("layer", "class", "shape", "input bits", "weight bits", "weights kept", "EBOPs"),
    )
    for layer in info["layers"]:
        kept = f"{layer['weights_kept']} / {layer['weights']}" if layer["weights"] else ""
        table.add_row(
            Text(plain(layer["name"])),
            Text(layer["class"]),
            " x ".join(map(str, layer["shape"])),
            _bits(layer["formats"].get("input")),
            _bits(layer["formats"].get("kernel")),
            kept,
            f"{layer['ebops']:.0f}",
        )
    table.add_section()
    pruned = f"{100 * info['pruned_share']:.1f} % pruned"
    table.add_row("total", "", "", "", "", pruned, f"{info['ebops']:.0f}")
    return table


def _bits(formats: list[Mapping[str, Any]] | None) -> str:
    if not formats:
        return ""
    parts = []
    for each in formats:
        low, high = each["bits"] or (0, 0)
        zero = f", {each['zero']} at 0" if each["zero"] else ""
        parts.append(f"{low}..{high} {each['rounding']}/{each['overflow']}{zero}")
    return "\n".join(parts)


def plain(name: str) -> str:
    """A name from a file, harmless in a terminal."""
    shown = "".join(c if c.isprintable() else "?" for c in name)
    return shown if len(shown) <= 40 else shown[:37] + "..."
