"""Options and arrays of a closure search are checked; a mistake is named in the error."""

from typing import Any

import numpy as np
import pytest

from targets.closure import find_closures
from targets.errors import UserError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"depth": np.zeros(4)}, "shape"),
        ({"depth": np.zeros((0, 3))}, "at least one cell"),
        ({"depth": np.array([["a"]])}, "numbers"),
        ({"edge": "shut"}, "open"),
        ({"connectivity": 6}, "4 or 8"),
        ({"contour_interval": 0}, "positive"),
        ({"contour_base": np.nan}, "finite"),
        ({"valid": np.ones((2, 2), bool)}, "shape of depth"),
        ({"valid": np.ones((3, 3))}, "bool"),
        ({"faults": np.ones((3, 3))}, "bool or integers"),
        ({"faults": np.ones((3, 3), bool), "fault_rule": "open"}, "transparent"),
        ({"faults": np.ones((3, 3), bool), "fault_rule": {7: "sealing"}}, "does not have"),
    ],
)
def test_mistakes_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        find_closures(**{"depth": np.zeros((3, 3)), **options})
