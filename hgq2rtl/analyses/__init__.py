"""Side tables over a Program: what each value costs and how long it takes."""

from .area import Area, areas
from .delay import delays

__all__ = ["Area", "areas", "delays"]
