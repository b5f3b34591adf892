"""Pages: whatever a name holds, it is text."""

import numpy as np

from targets.common.html_report import element, link, page, picture, table

HOSTILE = "\"><script>alert(1)</script>&'"


def test_names_are_text_wherever_they_stand() -> None:
    parts = [
        element("p", HOSTILE, css=HOSTILE),
        link(HOSTILE, f"{HOSTILE}/overlay.png"),
        link("a", "javascript:alert(1)"),
        table([HOSTILE], [[HOSTILE, element("b", HOSTILE)]]),
        picture(np.zeros(4, np.uint8).tobytes(), HOSTILE),
    ]
    text = page(HOSTILE, parts)
    assert "<script" not in text and HOSTILE not in text
    assert 'href="javascript:' not in text  # its colon is quoted: a file's name
