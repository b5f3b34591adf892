"""Reading of maps in threads: their order, and the first error."""

import pytest

from mtl.data.read import map_in_threads
from targets.errors import UserError


def test_maps_are_made_ready_in_their_order_and_the_first_mistake_is_told():
    def half(number):
        if number % 2:
            raise UserError(str(number), "is odd", "an even number")
        return number // 2

    assert map_in_threads(half, range(0, 40, 2)) == list(range(20))
    with pytest.raises(UserError, match=r"^3: is odd"):
        map_in_threads(half, [0, 2, 3, 4, 5])
