"""Settings files: plain values come through; what expands, runs or is damaged ends in an error of one line."""

from pathlib import Path

import pytest

from targets.common.settings_files import MAX_VALUES, check_plain, read_yaml
from targets.errors import UserError

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + k)}: &{chr(98 + k)} [{', '.join([f'*{chr(97 + k)}'] * 9)}]\n" for k in range(9)
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (LAUGHS, "an alias"),
        ("[" * 5000, "deep in each other"),
        ("x0: " + "1:" * 400 + "1", "letters"),  # a number to the base of 60
        ("x0: 0x" + "f" * 5000, "letters"),
        ("group: " + "g" * 20_000, "letters"),
        ("# " + "long\n# " * 300_000, "more than 1 MB"),
        ("x0: 2001-99-99", "month must be"),
        ("x0: !!int ''", "cannot be read"),
        ("x0: !!bool maybe", "cannot be read"),
        ("x0: !!timestamp never", "cannot be read"),
        ("x0: [1, 2", "cannot be read"),
        ("{[1, 2]: 3}: 4", "cannot be read"),
    ],
)
def test_what_is_not_plain_is_refused(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=found) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(str(path)) and len(str(caught.value)) < 500


def test_nothing_in_a_file_runs(tmp_path: Path) -> None:
    path, mark = tmp_path / "map.yaml", tmp_path / "mark"
    for tag in ("object/apply:os.system", "object/new:os.system", "name:os.system"):
        path.write_text(f"x0: !!python/{tag} ['touch {mark}']\n")
        with pytest.raises(UserError, match="could not determine a constructor"):
            read_yaml(path)
    assert not mark.exists()


def test_plain_values_come_through(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    for mark in ("", "\ufeff"):
        path.write_text(f"{mark}group: Ærø\nx0: 1.5\ndepth_range: [1, 2]\n", "utf-8")
        assert read_yaml(path) == {"group": "Ærø", "x0": 1.5, "depth_range": [1, 2]}
    path.write_text("")
    assert read_yaml(path) is None
    with pytest.raises(UserError, match="no such file"):
        read_yaml(tmp_path / "absent.yaml")


def bomb() -> list:
    """Lists that stand in each other nine times each, as a pickle holds them in a few bytes."""
    values: list = ["x"] * 9
    for _ in range(12):
        values = [values] * 9
    return values


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"net": bomb()}, "more than 10,000 values"),
        ({"net": {"decoder_channels": [16] * MAX_VALUES}}, "more than 10,000 values"),
        ({"version": bomb()}, "more than 10,000 values"),
        ({"net": {"encoder": "x" * 20_000}}, "20,000 letters"),
        ({"patches": {"size": 10**2000}}, "too many digits"),
        ({"config": "/etc/passwd"}, "a key config"),
    ],
)
def test_settings_of_a_checkpoint_are_bounded(settings: dict, found: str) -> None:
    with pytest.raises(UserError, match=found) as caught:
        check_plain(settings, "last.ckpt")
    assert len(str(caught.value)) < 300
    cycle: list = []
    cycle.append(cycle)
    with pytest.raises(UserError, match="deep in each other"):
        check_plain(cycle, "last.ckpt")
    check_plain({"net": {"decoder_channels": [8] * 5, "encoder": None}, "lr": 1e-3, "on": True}, "last.ckpt")
