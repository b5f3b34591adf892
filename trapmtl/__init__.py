"""TrapMTL: closed structural traps on depth maps, computed exactly and learned by a multi-task network.

>>> import trapmtl
>>> sorted(trapmtl.__all__)
['Scene', '__version__', 'examples', 'find_closures', 'load_predictor']
"""

from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtl.predict import load_predictor
    from targets.closure import find_closures
    from targets.scene import Scene

__all__ = ["Scene", "__version__", "examples", "find_closures", "load_predictor"]
__version__ = version("trapmtl")

_HOME = {"Scene": "targets.scene", "find_closures": "targets.closure", "load_predictor": "mtl.predict"}


def examples() -> Path:
    """Folder of the example files: a depth grid with its faults, and a page of a report with a map.

    Examples
    --------
    >>> sorted(path.name for path in examples().glob("*.gri"))
    ['top_reservoir.gri']
    """
    package = Path(__file__).parent
    installed = package / "examples"
    return installed if installed.is_dir() else package.parent / "examples"  # of a clone


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import trapmtl` needs neither numba nor torch."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'trapmtl' has no attribute {name!r}")
