"""Side tables over a Program: what each value costs and how long it takes."""

from .area import Area, areas
from .delay import Delays, delays
from .wiring import Wiring, wiring

__all__ = ["Area", "Delays", "Wiring", "areas", "delays", "wiring"]
