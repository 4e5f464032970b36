"""Constant matrix times vector as an adder graph.

Takes an integer matrix and the intervals of its inputs; gives an
:class:`AdderGraph`, proved equal to the matrix by exact symbolic evaluation.
"""

from .graph import AdderGraph, Node
from .options import Cost, Options
from .solver import solve

__all__ = ["AdderGraph", "Cost", "Node", "Options", "solve"]
