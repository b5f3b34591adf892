"""The field's words: names and phrases of earlier versions are gone from code, help texts and documents."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PHRASES = r"""
    \btold\b  \banew\b  \bmend(s|ed|ing)?\b  \bgo(es|ne)?\ on\ with\b  \bh[eo]ld\ against\b  \briddles?\b
    \bby\ heart\b  \bthe\ least\ sure\b  \bwithout\ a\ word\b  \bseveral\ looks\b
"""
NAMES = r"""
    \bwith_\(  \beach_unfinished\b  (?<!\.)\bin_use\b  \bwritten_whole\b  \bfarm\b  \bFarm\b  \bcell_polygons\b
    \bsteepness\b  \bcoarsened\b  \bcalmed\b  \blevels_of\b  \bsmooth_between\b  \bfacts_of\b  \bsame_ground\b
    \bover_all\b  \bgathered\b  \bmade_ready\b  \bFlightPlan\b  \bDesk\b  \bKeptCheckpoint\b  \bWholeFiles\b
    \bGeo\b(?=[(,:\]])  \bmin_valid\b  \blater_losses\b  \blater_from\b  \bas_shown\b  \bsets_of\b  \bline_up\b
    \bways_out\b  \bpass_on\b
"""
# Where an old word is quoted as old.
QUOTED = {"CHANGELOG.md", "mtl/migration.py", "mtl/training/version_1.py", "tests/test_words.py"}
EXPERIMENTS = "docs/experiments/"  # kept as they were written


def sources() -> list[str]:
    """Paths of everything that a user or developer reads."""
    patterns = (
        "mtl/**/*",
        "targets/**/*",
        "trapmtl/**/*",
        "tools/*",
        "configs/**/*",
        "docs/**/*.md",
        "*.md",
        "notebooks/*",
    )
    texts = {".py", ".md", ".yaml", ".html", ".j2", ".js", ".ipynb"}
    files = {file for pattern in patterns for file in ROOT.glob(pattern) if file.suffix in texts}
    return sorted(str(file.relative_to(ROOT)) for file in files)


@pytest.mark.parametrize("pattern", f"{PHRASES} {NAMES}".replace("\\ ", "\0").split())
def test_an_old_word_is_gone(pattern):
    old = re.compile(pattern.replace("\0", r"\s"), re.IGNORECASE if pattern in PHRASES.replace("\\ ", "\0") else 0)
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name in sources()
        if name not in QUOTED and not name.startswith(EXPERIMENTS)
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if old.search(line)
    ]
    assert found == []
