"""A review session never writes outside its data folder, and replaces no traps that nobody saw."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from mtl.review.session import NO_TRAPS, ReviewSession, TrapsChangedError
from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.images import write_picture
from targets.io.interpreted_traps import save_interpreted_traps
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
            linked.save(name, np.zeros((64, 64), bool), NO_TRAPS)
    assert (other / "kept.png").read_bytes() == before and not (other / "traps.png").exists()


def marked(count):
    """Masks of a trap each, all different."""
    masks = np.zeros((count, 64, 64), bool)
    for number, mask in enumerate(masks):
        mask[20 : 24 + number, 20:40] = True
    return masks


def saved_traps(session):
    """The traps of map a as its folder holds them."""
    return read_map(list_maps([session.data])[0]).traps


def test_of_saves_at_the_same_time_one_is_made_and_the_others_are_told(session):
    seen, masks = session.open_map("a").version, marked(8)

    def save(mask):
        try:
            return session.save("a", mask, seen).version
        except TrapsChangedError as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(save, masks))
    (made,) = [number for number, answer in enumerate(answers) if isinstance(answer, str)]
    opened = session.open_map("a")
    assert opened.version == answers[made] != seen
    assert {answer.version for answer in answers if not isinstance(answer, str)} == {opened.version}
    np.testing.assert_array_equal(opened.scene.traps, masks[made])
    np.testing.assert_array_equal(saved_traps(session), masks[made])  # page and folder agree
    assert not [path for path in (session.data / "a").iterdir() if path.name.startswith(".")]
    session.save("a", masks[made], seen)  # what is saved already replaces nothing
    np.testing.assert_array_equal(saved_traps(session), masks[made])
    session.save("a", masks[made - 1], opened.version)
    np.testing.assert_array_equal(saved_traps(session), masks[made - 1])


def test_traps_that_another_program_changed_are_shown_and_not_replaced_unseen(session):
    here, there = marked(2)
    seen = session.open_map("a").version
    other = ReviewSession(session.data, half_trap, ReadOptions())  # a second server, or a painting program
    other.save("a", there, seen)
    with pytest.raises(TrapsChangedError, match="saved elsewhere"):
        session.save("a", here, seen)
    np.testing.assert_array_equal(session.open_map("a").scene.traps, there)
    (session.data / "a" / "traps.png").unlink()
    assert session.open_map("a").scene.traps is None and session.open_map("a").version == NO_TRAPS
    with pytest.raises(TrapsChangedError):
        session.save("a", here, seen)
    session.save("a", here, NO_TRAPS)
    np.testing.assert_array_equal(saved_traps(session), here)


def test_a_session_that_ends_waits_for_the_save_under_way(session, monkeypatch):
    reached, go_on = Event(), Event()

    def slow(*arguments):
        reached.set()
        assert go_on.wait(10)
        return save_interpreted_traps(*arguments)

    monkeypatch.setattr("mtl.review.session.save_interpreted_traps", slow)
    (mask,), seen = marked(1), session.open_map("a").version
    with ThreadPoolExecutor(2) as pool:
        save, end = pool.submit(session.save, "a", mask, seen), None
        assert reached.wait(10)
        end = pool.submit(session.close)
        assert not end.done()
        go_on.set()
        end.result(10)
        assert save.done() or save.result(1)
    np.testing.assert_array_equal(saved_traps(session), mask)
