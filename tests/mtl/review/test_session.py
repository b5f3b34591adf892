"""A review session never writes outside its data folder, and loses no save."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mtl.review.session import ReviewSession
from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
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


def test_saves_at_the_same_time_are_all_made_and_the_last_one_stays(session):
    masks = np.zeros((8, 64, 64), bool)
    for number, mask in enumerate(masks):
        mask[20 : 24 + number, 20:40] = True
    session.open_map("a")
    with ThreadPoolExecutor(8) as pool:
        assert {path.name for path in pool.map(lambda mask: session.save("a", mask), masks)} == {"traps.png"}
    kept = session.open_map("a").scene.traps
    assert any(np.array_equal(kept, mask) for mask in masks)
    np.testing.assert_array_equal(read_map(list_maps([session.data])[0]).traps, kept)  # page and folder agree
    session.save("a", masks[3])
    np.testing.assert_array_equal(read_map(list_maps([session.data])[0]).traps, masks[3])
    assert not [path for path in (session.data / "a").iterdir() if path.name.startswith(".")]
