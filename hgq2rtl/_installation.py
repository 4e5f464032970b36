"""Find the parts of the package that only an installation holds.

Inside a checkout ``python -m pytest`` finds the source folder before the
installed package; the kernel, ``sim`` and ``hdl_templates`` lie in the latter.
"""

from importlib.metadata import PackageNotFoundError, distribution

import hgq2rtl

try:
    _installed = distribution("hgq2rtl")
except PackageNotFoundError:
    raise ImportError(
        "hgq2rtl is not installed: run `pip install .` in the checkout, which builds its kernel"
    ) from None

VERSION = _installed.version

_folder = str(_installed.locate_file("hgq2rtl"))
if _folder not in hgq2rtl.__path__:
    hgq2rtl.__path__.append(_folder)
