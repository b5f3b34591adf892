"""Text of a data set's summary: counts, sizes, channels, depths, traps, as lines of a label and a text."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from targets.check.dataset import DataCheck


def dataset_summary(check: DataCheck) -> list[tuple[str, str]]:
    """Summarise a data set in words.

    Parameters
    ----------
    check : DataCheck
        Of `check_data`.

    Returns
    -------
    list[tuple[str, str]]
        (label, text) of every line; a line that continues the one above has the label "".
    """
    maps, unread = check.maps, sum(finding.kind == "unreadable" for finding in check.findings)
    lines = [("maps", f"{len(maps)}" + (f", and {unread} that cannot be read" if unread else ""))]
    if not maps:
        return lines
    is_one_map = len(maps) > 1 and len({summary.group for summary in maps}) == 1
    groups = Counter(summary.group for summary in maps)
    units = sorted({summary.unit or "no unit" for summary in maps if summary.relief})
    reliefs = [summary.relief for summary in maps if summary.relief]
    known = [summary for summary in maps if "depth" in summary.channels or "drawn traps" in summary.channels]
    drawn = sum("drawn traps" in summary.channels for summary in maps)
    ious = [summary.iou for summary in maps if summary.iou is not None]
    lines += [
        (
            "groups",
            f"{len(groups)}, the largest with {max(groups.values())} map(s)"
            + (": pieces of one map, of which training keeps an end for validation" if is_one_map else ""),
        ),
        ("sizes", _counted(f"{rows} × {cols}" for rows, cols in (summary.shape for summary in maps))),
        ("channels", _counted(channel for summary in maps for channel in summary.channels)),
        ("outlines", _counted(summary.outline for summary in maps)),
        ("inside", f"{_range([summary.inside_share for summary in maps])} of the array"),
    ]
    if reliefs:
        low, high = min(low for low, _ in reliefs), max(high for _, high in reliefs)
        relief = sorted(high - low for low, high in reliefs)
        lines.append(("depth", f"{low:.4g} to {high:.4g} ({', '.join(units)}); relief of a map {relief[0]:.4g} to "
                      f"{relief[-1]:.4g}, median {np.median(relief):.4g}"))  # fmt: skip
    lines += [
        (
            "contours",
            _counted(
                f"every {summary.contour_interval:g}" if summary.contour_interval else "interval unknown"
                for summary in maps
            ),
        ),
        ("palettes", _counted(summary.colours.palette if summary.colours else "no colours" for summary in maps)),
        ("faults", f"{_range([summary.fault_share for summary in maps])} of the map"),
    ]
    if known:
        count, none = sum(summary.trap_count for summary in known), sum(summary.trap_count == 0 for summary in known)
        lines += [
            ("traps", f"drawn in {drawn} maps, computed from the depth in {len(known) - drawn}; {count} in all"),
            ("", f"maps without any: {none}; {_range([summary.trap_share for summary in known])} of the map"),
        ]
    if shares := [summary.salt_share for summary in maps if summary.salt_share is not None]:
        lines += _salt_lines(shares)
    if check.fitted is not None:
        lines += [("rules", check.fitted.sentence()), *(("", doubt) for doubt in check.fitted.doubts)]
    if ious:
        lines.append(("drawn × exact", f"IoU {min(ious):.2f} to {max(ious):.2f}, median {np.median(ious):.2f}"))
    return lines


def _salt_lines(shares: Sequence[float]) -> list[tuple[str, str]]:
    """Lines on how often images hold salt, and how much."""
    some, none = [share for share in shares if share > 0], shares.count(0.0)
    floor = f"none in {none} of {len(shares)} images: predicting nothing scores {none / len(shares):.4f}"
    if not some:
        return [("salt", floor)]
    tenths = Counter(min(int(10 * share), 9) for share in some)
    counts = " ".join(str(tenths[i]) for i in range(10))
    return [("salt", floor), ("", f"{_range(some)} of the others; images by tenths of their area: {counts}")]


def _range(shares: Sequence[float]) -> str:
    """Least, largest and median share."""
    return f"{min(shares):.0%} to {max(shares):.0%}, median {np.median(shares):.0%}"


def _counted(words: Iterable[str], most: int = 8) -> str:
    """The commonest words with how often each occurs."""
    counts = Counter(words).most_common()
    text = ", ".join(f"{word} ({count})" for word, count in counts[:most])
    return text + (f" and {len(counts) - most} more" if len(counts) > most else "")
