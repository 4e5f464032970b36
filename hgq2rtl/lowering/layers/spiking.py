"""Spiking neurons: comparisons instead of products."""

from __future__ import annotations

import numpy as np

from ..cells import States, is_cell
from ..fixed_array import FixedArray
from ..layer import LoweringLayer


@is_cell("QSimpleSNNCell")
@is_cell("QLIFCell")
class SpikingCell:
    """``m = beta * m + iq(x)``, a spike where ``m > threshold``, then a reset of the membrane.

    The reset takes the threshold off the membrane of a neuron that spiked, or clears it, and
    the state quantizer follows. With inhibition only the neuron furthest above its threshold
    spikes, the first of equal ones. The threshold is not quantized.
    """

    def __init__(self, layer: LoweringLayer):
        self.layer = layer
        self.threshold = layer.array("threshold")
        self.beta = layer.array("beta") if layer.has("beta") else None
        self.spike_size = layer.array("graded_spikes_factor")
        self.state_sizes = [layer.config["units"]]

    def projected(self, x: FixedArray) -> FixedArray:
        return self.layer.quantize("input", x)

    def step(self, x: FixedArray, states: States) -> tuple[FixedArray, States]:
        (membrane,) = states
        membrane = x + (membrane if self.beta is None else membrane * self.beta)
        spikes = self._spikes(membrane)
        output = self.layer.quantize("output", spikes * self.spike_size)
        return output, [self.layer.quantize("state", self._reset(membrane, spikes))]

    def _spikes(self, membrane: FixedArray) -> FixedArray:
        spikes = membrane > self.threshold
        if not self.layer.config["inhibition"]:
            return spikes
        furthest = (membrane - self.threshold).argmax()
        return spikes & (furthest == np.arange(len(membrane)))

    def _reset(self, membrane: FixedArray, spikes: FixedArray) -> FixedArray:
        match self.layer.config["reset_mechanism"]:
            case "subtract":
                return membrane - spikes * self.threshold
            case "zero":
                return spikes.where(0, membrane)
            case _:
                return membrane
