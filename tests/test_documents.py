"""Documents: links, headings and paths of the code lead to something that exists; pictures and tables are shown."""

import re
from pathlib import Path

import pytest

from tests.browser import WIDTHS, open_page

ROOT = Path(__file__).parents[1]
PAGES = sorted(str(page.relative_to(ROOT)) for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
CODE = re.compile(r"`((?:mtl|targets|trapmtl|tools|configs|tests)/[\w/.-]+\.(?:py|yaml|ckpt))`")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Names of a page's headings, as GitHub makes them."""
    headings = HEADING.findall(BLOCK.sub("", page.read_text(encoding="utf-8")))
    texts = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in texts}


@pytest.mark.parametrize("page", PAGES)
def test_links_headings_and_paths_exist(page):
    file = ROOT / page
    text = file.read_text(encoding="utf-8")
    missing = [path for path in CODE.findall(text) if not (ROOT / path).exists()]
    for link, heading in LINK.findall(text):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        target = file.parent / link if link else file
        if not target.exists() or (heading and target.suffix == ".md" and heading not in anchors(target)):
            missing.append(f"{link}#{heading}")
    assert missing == []


@pytest.mark.parametrize("page", [page for page in PAGES if not page.endswith("/comparison.md")])  # made by a tool
def test_lines_of_text_are_at_most_120_characters_long(page):
    text = BLOCK.sub("", (ROOT / page).read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if len(line) > 120 and not line.startswith(("|", "![", "<!--"))]
    assert lines == []


@pytest.mark.long
def test_a_browser_shows_pictures_and_tables(browser, tmp_path):
    markdown, shown = (
        pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table"),
        tmp_path / "page.html",
    )
    shown.touch()
    with open_page(browser, shown.as_uri(), may_ask="file:") as opened:
        for page in PAGES:
            file = ROOT / page
            body = markdown.render(file.read_text(encoding="utf-8"))
            head = f'<!doctype html><meta charset="utf-8"><title>{page}</title><base href="{file.parent.as_uri()}/">'
            shown.write_text(head + body, encoding="utf-8")
            opened.reload()
            for name, complete, natural, *_ in opened.evaluate(WIDTHS):
                assert complete and natural, (page, name)
            torn = opened.evaluate(
                "[...document.querySelectorAll('p')].filter(p => p.innerText.startsWith('|')).length"
            )
            assert not torn, page  # a table that is none
