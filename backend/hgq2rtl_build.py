"""scikit-build-core, less the folders that its editable installs put on ``sys.path``.

An editable install serves ``hgq2rtl`` through an import hook, which needs no path.
The backend adds the repository all the same, and for ``hgq2rtl/sim`` the folder
above it: then ``sim``, ``tests``, or a clone of some other package that lies beside
this one could be imported, and an optional package would seem to be installed.
"""

from scikit_build_core.build import *  # noqa: F403
from scikit_build_core.build import wheel as _wheel

if hasattr(_wheel, "package_search_dirs"):
    _wheel.package_search_dirs = lambda packages: []
