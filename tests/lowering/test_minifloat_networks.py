"""A network of minifloats, from a file to Verilog, against the definition of a minifloat."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import hgq2rtl
from hgq2rtl.errors import NeedsInputFormat

from ..fixed import definitions
from ..frontends.archives import minifloat, quantizer, two_dense

WIDTHS = {
    "q_dense/kq": (2, 3, -1),
    "q_dense/bq": (3, 2, 0),
    "q_dense_1/iq": (1, 3, 0),
    "q_dense_1/kq": (0, 3, 0),
}
"""m, e, e0 of each quantizer; the network's input is fixed-point."""


def network():
    parts = two_dense()
    options = {"q_dense": parts.options("d0"), "q_dense_1": parts.options("d1")}
    for at, widths in WIDTHS.items():
        layer, place = at.split("/")
        role = {"kq": "weight", "bq": "bias", "iq": "datalane"}[place]
        conf = quantizer("float", role, m0=2, e0=4, e00=0, homogeneous_axis=[])
        options[layer][f"{place}_conf"] = conf
        folder = f"layers/{at}/quantizer/vars"
        shape = parts.weights[folder][0].shape
        parts.weights[folder] = minifloat(shape, *widths)
    return parts


def rounded(numbers, at):
    make = np.frompyfunc(lambda x: definitions.minifloat(Fraction(x), *WIDTHS[at]), 1, 1)
    return make(np.asarray(numbers, object))


def exactly(x, weights):
    """The network on Fractions; its input is a multiple of 1/8 in [-4, 4)."""
    (k0, b0, *_), (k1, b1, *_) = (
        weights[f"layers/{name}/vars"] for name in ("q_dense", "q_dense_1")
    )
    fractions = np.frompyfunc(Fraction, 1, 1)
    y = fractions(x) @ rounded(k0.tolist(), "q_dense/kq") + rounded(b0.tolist(), "q_dense/bq")
    y = rounded(np.maximum(y, 0), "q_dense_1/iq") @ rounded(k1.tolist(), "q_dense_1/kq")
    bias = np.floor(b1.astype(np.float64) * 8 + 0.5) / 8  # kbi, b = 4, i = 1: three fraction bits
    return np.maximum(y + fractions((bias + 2) % 4 - 2), 0)


def test_a_network_of_minifloats_is_exact(tmp_path):
    """Catches a weight, a bias or an activation that is rounded otherwise anywhere on the way."""
    parts = network()
    design = hgq2rtl.compile(parts.write(tmp_path / "net.keras"))
    x = np.random.default_rng(0).integers(-32, 32, (200, 4)) / 8
    wanted = exactly(x.tolist(), parts.weights)
    for answer in (design.predict(x), design.simulate(x)):
        assert [[Fraction(n) for n in row] for row in answer.tolist()] == wanted.tolist()
    assert design.report["ebops"] > 0


def test_an_input_needs_a_format_of_its_own(tmp_path):
    """A port takes fixed-point numbers: catches one of a format that nobody chose."""
    parts = two_dense()
    parts.options("d0")["iq_conf"] = quantizer("float", "datalane")
    parts.weights["layers/q_dense/iq/quantizer/vars"] = minifloat((1, 1), 2, 3, 0)
    path = parts.write(tmp_path / "net.keras")
    with pytest.raises(NeedsInputFormat) as caught:
        hgq2rtl.compile(path)
    assert str(caught.value) == (
        "d0 (QDense) in net.keras reads a model input with a minifloat quantizer, and a port takes "
        "fixed-point numbers only. Give the input a format with --input-format k,i,f."
    )
    design = hgq2rtl.compile(path, input_format="1,3,6")
    assert {field.format.kif for field in design.program.inputs[0].fields} == {(1, 3, 6)}


def test_info_lists_the_widths(tmp_path):
    report = hgq2rtl.info(network().write(tmp_path / "net.keras"))
    kernel = report["layers"][0]["formats"]["kernel"][0]
    assert (kernel["m"], kernel["e"], kernel["e0"], kernel["bits"]) == (
        [2, 2],
        [3, 3],
        [-1, -1],
        [6, 6],
    )
