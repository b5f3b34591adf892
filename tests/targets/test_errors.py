"""A user's mistake is one readable line, whatever the file held that it quotes."""

from targets.errors import MAX_LENGTH, UserError


def test_what_a_file_holds_does_not_steer_the_terminal() -> None:
    line = str(UserError("a\x1b[2Jb\udcff", "x\ny\u202ez\x00", "e", "m"))
    assert line == "a�[2Jb�: x y�z�; expected e; m" and line.isprintable()


def test_a_long_finding_leaves_the_hint_readable() -> None:
    line = str(UserError("a.csv", "x" * 100_000, "a short one", "shorten it"))
    assert line.startswith("a.csv: xxx") and line.endswith("expected a short one; shorten it")
    assert len(line) <= MAX_LENGTH + 3
