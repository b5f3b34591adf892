"""The exact analysis of a map with two domes whose answer is known: rules, contours, errors of the depth."""

import numpy as np
import pytest

from targets.analysis.analyse import analyse
from targets.analysis.options import ClosureOptions, DepthError
from targets.analysis.writers import write_analysis
from targets.errors import UserError
from targets.io.outline_files import OutlineOptions
from targets.rendering.overlays import map_title
from targets.scene import GeoReference
from tests.targets.analysis.maps import GEO, ridge


def test_contours_are_those_asked_for_those_of_the_map_or_sensible_ones() -> None:
    scene = ridge(GeoReference(0.0, 0.0, 10.0, -10.0, contour_interval=7.0, contour_base=3.0))
    assert analyse(scene).closures.grid.interval == 0
    auto, own = analyse(scene, ClosureOptions("auto")), analyse(scene, ClosureOptions(25.0))
    assert (auto.closures.grid.interval, auto.closures.grid.base) == (7, 3)
    assert (own.closures.grid.interval, own.closures.grid.base) == (25, 3)
    assert own.scene.geo.contour_interval == 25 and "every 25" in map_title(own.scene)
    assert ((own.table["contour_depth"] - 3) % 25 == 0).all()
    sensible = analyse(ridge(), ClosureOptions("auto", contour_base=1.0)).closures.grid
    assert sensible.interval == 10 and sensible.base == 1  # 76 m of relief, about 6 contours on a small map


def test_small_and_low_closures_are_dropped() -> None:
    count = [
        len(analyse(ridge(), ClosureOptions(min_area=a, min_height=h)).table) for a, h in [(0, 0), (1e6, 0), (0, 1e6)]
    ]
    assert count[0] >= 2 and count[1:] == [0, 0]


def test_closures_that_noise_explains_are_left_out_with_a_line() -> None:
    clean, left_out = ridge(), ClosureOptions(min_area=9, noise="left_out")
    assert analyse(clean, left_out).rules_text.endswith("no noise of the depth found")
    rough = np.random.default_rng(0).normal(0, 2, clean.shape).astype(np.float32)
    noisy = clean.replace(depth=clean.depth + rough)
    every, kept = analyse(noisy, ClosureOptions(min_area=9)), analyse(noisy, left_out)
    gone = (every.table["parent"] == 0).sum() - (kept.table["parent"] == 0).sum()
    assert gone > 0 and f"found: {gone} closure" in kept.rules_text and "noise of about 2" in kept.rules_text
    assert ((kept.closures.labels > 0) <= (every.closures.labels > 0)).all()
    with pytest.raises(UserError, match="--noise"):
        analyse(noisy, left_out, DepthError(5.0, 250.0))


def test_an_error_of_the_depth_gives_probabilities_and_percentiles(tmp_path) -> None:
    error = DepthError(5.0, 250.0, realisations=8)
    analysis = analyse(ridge(), error=error)
    assert analysis.probability is not None
    outer = analysis.table[analysis.table["parent"] == 0]
    assert (outer["probability"] == 1).all()  # 5 m beside 60 m of closure
    assert (outer["area_p90"] <= outer["area_p50"]).all() and (outer["area_p50"] <= outer["area_p10"]).all()
    assert (outer["area_p90"] > 0.3 * outer["area"]).all() and (outer["area_p10"] < 3 * outer["area"]).all()
    again = analyse(ridge(), error=error).table  # the same seed
    assert again.tobytes() == analysis.table.tobytes()
    write_analysis(analysis, tmp_path, "npz", OutlineOptions("geojson"))
    assert (tmp_path / "probability.png").stat().st_size > 5000
    with np.load(tmp_path / "closures.npz") as grids:
        assert grids["probability"].max() == 1 and grids["x0"] == 1000
    with pytest.raises(UserError, match="--correlation: missing"):
        analyse(ridge(), error=DepthError(5.0))
    with pytest.raises(UserError, match="without --depth-std"):
        analyse(ridge(), error=DepthError(correlation=5.0))


@pytest.mark.parametrize(
    ("geo", "cells"),
    [
        (GEO, 500 / np.sqrt(1250)),
        (GeoReference(), 500),
        (GeoReference(0.0, 0.0, 50.0, -25.0, xy_unit="ft"), 500 / np.sqrt(1250)),  # in the unit of the map
        (GeoReference(0.0, 0.0, 0.05, -0.05, xy_unit="km"), 10_000),
        (GeoReference(5.0, 60.0, 0.0005, -0.0005, crs="EPSG:4326"), 500 / np.sqrt(27.9 * 55.7)),  # in metres
        (GeoReference(5.0, 60.0, 0.0005, -0.0005), 1e6),
    ],
    ids=["m", "cells", "ft", "km", "degrees", "unknown"],
)
def test_correlation_is_in_map_units(monkeypatch, geo: GeoReference, cells: float) -> None:
    seen = []

    def spy(depth, std, correlation, realisations, seed, cell_sides, **rules):
        seen.append(correlation)
        height, width = cell_sides
        across, down = geo.ground_spacing(ridge(geo).shape)
        assert (height / width, height * width) == (pytest.approx(down / across), pytest.approx(1))
        raise UserError("x", "enough")

    monkeypatch.setattr("targets.analysis.analyse.closure_probability", spy)
    with pytest.raises(UserError) as raised:
        analyse(ridge(geo), error=DepthError(1.0, 500.0))
    if cells > 90:
        assert f"which is {cells:.4g} cells" in str(raised.value) and seen == []
    else:
        assert seen == [pytest.approx(cells, rel=0.01)]


def test_a_picture_alone_is_refused() -> None:
    scene = ridge()
    with pytest.raises(UserError, match="a picture without a depth"):
        analyse(scene.replace(depth_valid=np.zeros(scene.shape, bool)))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        (
            ClosureOptions(1e-7),
            DepthError(),
            r"--contour-interval: 1e-07 m, which is .* contours; expected at least 0.0",
        ),
        (ClosureOptions(1e-13), DepthError(), "--contour-interval: 1e-13 m"),
        (ClosureOptions(5.0, contour_base=1e300), DepthError(), "contour_base is 1e"),
        (
            ClosureOptions(),
            DepthError(1e308, 100.0),
            "--depth-std: 1e\\+308 m; expected 0 to .* m, 100 times the relief",
        ),
        (ClosureOptions(), DepthError(1e39, 100.0), "--depth-std: 1e\\+39 m"),
        (ClosureOptions(), DepthError(-1.0, 100.0), "--depth-std: -1 m"),
        (ClosureOptions(), DepthError(1.0, 100.0, 10**9), "--realisations: 1000000000; expected at least 1, at most"),
        (ClosureOptions(), DepthError(1.0, 100.0, seed=-1), "--seed"),
    ],
)
def test_numbers_out_of_proportion_to_the_map_are_refused(
    options: ClosureOptions, error: DepthError, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        analyse(ridge(), options, error)


def test_an_interval_of_the_map_itself_that_nothing_can_draw() -> None:
    with pytest.raises(UserError, match="contour_interval of ridge: 1e-09"):
        analyse(ridge(GeoReference(contour_interval=1e-9)))


def test_a_map_beyond_memory_is_refused_before_the_work_begins(monkeypatch) -> None:
    monkeypatch.setattr("targets.common.memory.available_memory", lambda: 100_000)
    with pytest.raises(UserError, match=r"ridge: takes about 0.000704 GiB of memory; .* --tile 4096"):
        analyse(ridge())
