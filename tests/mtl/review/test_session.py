"""A review session never writes outside its data folder."""

import numpy as np
import pytest

from mtl.review.session import ReviewSession
from targets.errors import UserError
from targets.io.images import write_picture
from targets.io.read_options import ReadOptions
from tests.mtl.review.conftest import half_trap


def test_links_out_of_the_data_folder_are_not_written_through(session):
    other = session.data.parent / "other" / "c"
    (session.data / "c").symlink_to(other)
    write_picture(np.ones((64, 64), bool), other / "kept.png")
    (session.data / "b" / "traps.png").symlink_to(other / "kept.png")
    before = (other / "kept.png").read_bytes()
    linked = ReviewSession(session.data, half_trap, ReadOptions())
    assert [bool(entry["refused"]) for entry in linked.describe_maps()] == [False, True, True]
    for name in ("b", "c"):
        with pytest.raises(UserError, match="outside the data folder"):
            linked.save(name, np.zeros((64, 64), bool))
    assert (other / "kept.png").read_bytes() == before and not (other / "traps.png").exists()
