"""Layer classes that are read: one schema function each, by family."""

from . import activation, batchnorm, dense, merge, passing, refused, reshaping, slicing

__all__ = [
    "activation",
    "batchnorm",
    "dense",
    "merge",
    "passing",
    "refused",
    "reshaping",
    "slicing",
]
