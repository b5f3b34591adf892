"""Styles: what cannot be drawn is refused."""

import pytest

from targets.errors import UserError
from targets.rendering.style import Style


def test_wrong_styles_say_what_is_known():
    with pytest.raises(UserError, match=r"jet.*mpl:NAME.*random:SEED"):
        Style(palette="viridis")
    with pytest.raises(UserError, match="above 0"):
        Style(contour_interval=0.0)
