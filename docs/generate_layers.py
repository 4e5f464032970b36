"""Write docs/layers.md from the registered handlers: ``python docs/generate_layers.py``."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from hgq2rtl.lowering import HANDLERS

HEAD = """# Layers

Generated from the handlers by `python docs/generate_layers.py`. Names are those of Keras, HGQ2 and
HGQ v1, without the package prefix; operations of `keras.ops` have the names that Keras saves.

Quantizers: kif and kbi, per element to per tensor; all rounding modes (`TRN`, `RND`, `RND_CONV`,
`TRN_ZERO`, `RND_ZERO`, `RND_INF`, `RND_MIN_INF`; the prefix `S_` means nothing at inference) and
overflows (`WRAP`, `SAT`, `SAT_SYM`, `WRAP_SM`; of HGQ v1 also `SAT_ZERO`), with any scaler and
affine; minifloats. Graphs: Sequential and Functional, nested, with shared layers, several inputs
and outputs. Layers compute in float32 or float64.

A result "stays open" where it has no exact binary value: a function of a number, or a division.
The quantizer that follows makes it a table (of at most 2^18 entries) or an exact division; an
output, a product or a comparison without one is refused.

| class | what is built |
|---|---|
"""
TAIL = """
Everything else is refused as `UnsupportedLayer`, by one message that names the layer, why, and what
to use instead: layers that are Python code, state between samples, masks that depend on data,
indices that depend on data, operations that mix the samples of a batch, and float functions of two
numbers.
"""


def main() -> None:
    Path(__file__).with_name("layers.md").write_text(text())


def text() -> str:
    """The page."""
    classes: defaultdict[object, list[str]] = defaultdict(list)
    for name, handler in HANDLERS.items():
        classes[handler].append(name)
    rows = [
        f"| {', '.join(names)} | {_first_paragraph(handler.__doc__)} |"
        for handler, names in classes.items()
    ]
    return HEAD + "\n".join(rows) + "\n" + TAIL


def _first_paragraph(doc: str | None) -> str:
    return " ".join((doc or "").split("\n\n")[0].split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
