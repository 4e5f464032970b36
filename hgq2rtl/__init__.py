"""hgq2rtl: trained, high-granularity-quantized networks to bit-exact pipelined Verilog.

>>> import hgq2rtl
>>> design = hgq2rtl.compile("jet.keras", clock_ns=5)
>>> print(design)              # latency, LUT estimate, table per layer
>>> design.predict(x)          # integers decide every bit
>>> design.check(x)            # the Verilog equals it, or names the layer and the sample
>>> design.write("build/jet")
"""

# _installation comes first: it completes the package's path.
from . import _installation, errors
from .api import compile, info, load, trace
from .design import Design
from .lowering import FixedArray, Input, quantize

__version__ = _installation.VERSION

__all__ = [
    "Design",
    "FixedArray",
    "Input",
    "__version__",
    "compile",
    "errors",
    "info",
    "load",
    "quantize",
    "trace",
]
