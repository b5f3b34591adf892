"""Documents: every relative link and every path of the code that they name leads to something that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(str(page.relative_to(ROOT)) for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"`((?:mtl|targets|trapmtl|tools|configs|tests)/[\w/.-]+\.(?:py|yaml|ckpt))`")


@pytest.mark.parametrize("page", PAGES)
def test_links_and_paths_exist(page):
    file = ROOT / page
    text = file.read_text(encoding="utf-8")
    links = [link for link in LINK.findall(text) if not link.startswith(("http:", "https:", "mailto:"))]
    missing = [link for link in links if not (file.parent / link).exists()]
    missing += [path for path in CODE.findall(text) if not (ROOT / path).exists()]
    assert missing == []
