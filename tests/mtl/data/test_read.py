"""Reading of maps in threads: their order, and the first error."""

import pytest

from mtl.config import SplitConfig
from mtl.data.read import map_in_threads, read_folders
from targets.errors import UserError
from targets.io.map_folder.writer import write_map_folder
from tests.conftest import dome_scene, tiny_config


def test_maps_are_made_ready_in_their_order_and_the_first_mistake_is_told():
    def half(number):
        if number % 2:
            raise UserError(str(number), "is odd", "an even number")
        return number // 2

    assert map_in_threads(half, range(0, 40, 2)) == list(range(20))
    with pytest.raises(UserError, match=r"^3: is odd"):
        map_in_threads(half, [0, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("data", "validation", "shared"),
    [("maps", "maps", "3 maps"), ("maps", "maps/b", "1 maps"), ("maps/b", "maps", "1 maps"), ("link", "maps", "3 maps"),
     ("maps", "others", None), ("maps", "mapsb", None)],
)  # fmt: skip
def test_maps_that_train_do_not_validate(tmp_path, data, validation, shared):
    for name in ("maps/a", "maps/b", "maps/c", "others/a", "mapsb/d"):
        write_map_folder(dome_scene(name[-1], 16), tmp_path / name)
    (tmp_path / "link").symlink_to(tmp_path / "maps")
    config = tiny_config(data=str(tmp_path / data), split=SplitConfig(val_data=str(tmp_path / validation)))
    if shared is None:
        assert [scene.shape for scene in read_folders(config)[1]] == [(16, 16)]
    else:
        with pytest.raises(UserError, match=f"split.val_data: {shared} that lie in --data, too"):
            read_folders(config)
