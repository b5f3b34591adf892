"""The accessor ``.closures`` of xarray's `DataArray`; importing this module registers it.

>>> import numpy as np
>>> import trapmtl.xarray
>>> import xarray
>>> depth = xarray.DataArray(np.array([[9, 9, 9, 9], [9, 3, 5, 7], [9, 9, 9, 9.0]]), dims=("y", "x"))
>>> found = depth.closures.find()
>>> found.label.values[1].tolist(), found.spill_depth.values.tolist()
([0, 1, 1, 0], [7.0])
"""

from targets.analysis.xarray_dataset import ClosuresAccessor, closures_dataset
from targets.common.optional_import import import_optional

__all__ = ["ClosuresAccessor", "closures_dataset"]

import_optional("xarray", "trapmtl.xarray", "xarray").register_dataarray_accessor("closures")(ClosuresAccessor)
