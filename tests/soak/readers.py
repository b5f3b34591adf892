"""Every reader of the program, with small valid samples of its files."""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from mtl.ablation.grid import expand_grid
from mtl.ablation.options import Ablation
from mtl.ablation.results import read_results, write_results
from mtl.config import TrainConfig
from mtl.inference.predictor import load_predictor
from mtl.models.checkpoint import build_net
from mtl.models.safetensors_io import write_weights
from mtl.review.predictions import predictions_in_folder
from targets.common.cli import read_record
from targets.common.rasters.windowed import open_raster
from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.faults.names import name_faults
from targets.io.faults.registry import read_fault_lines
from targets.io.grid_map import read_grid
from targets.io.grids.registry import detect_format, read_surface, write_grid
from targets.io.images import read_grey, read_mask, read_rgb, read_rgba
from targets.io.map_folder.writer import write_map_folder
from targets.io.tgs_salt import read_id_table, write_salt_dataset
from targets.rendering.map import ensure_picture
from targets.scene import GeoReference
from targets.surface.rasterize_faults import rasterize_faults
from tests.conftest import dome_scene, tiny_config
from tests.targets.io.faults import dialects
from tests.targets.io.grids.dialects import DIALECTS

SIZE = 24  # cells of a sample, both ways
GEO = GeoReference(461000.0, 5926000.0, 50.0, -50.0, depth_unit="m", crs="EPSG:23031")


@dataclass(frozen=True)
class Reader:
    """One reader.

    Attributes
    ----------
    make : Callable[[Path], None]
        Writes valid samples into a folder, each in a folder of its own; files whose names start with "kept" are never
        damaged.
    read : Callable[[Path], object]
        Reads the folder of one sample; it may return anything, or raise UserError.
    """

    make: Callable[[Path], None]
    read: Callable[[Path], object]


def _sample(folder: Path, case: str, name: str, content: bytes | str) -> None:
    (folder / case).mkdir(parents=True, exist_ok=True)
    (folder / case / name).write_bytes(content.encode() if isinstance(content, str) else content)


def _only(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


# -- pictures and map folders ------------------------------------------------------------------------------------


def _pictures(folder: Path) -> None:
    grey = np.linspace(0, 255, SIZE * SIZE).reshape(SIZE, SIZE).astype(np.uint8)
    colours = np.stack([grey, grey.T, 255 - grey, grey | 128], axis=2)
    images = {
        "grey.png": Image.fromarray(grey),
        "grey16.png": Image.fromarray(grey.astype(np.uint16) * 257),
        "mask.png": Image.fromarray(grey > 100),
        "rgb.png": Image.fromarray(colours[..., :3]),
        "rgba.png": Image.fromarray(colours),
        "palette.png": Image.fromarray(colours[..., :3]).quantize(8),
        "rgb.jpg": Image.fromarray(colours[..., :3]),
    }
    for name, image in images.items():
        (folder / name).mkdir(parents=True)
        image.save(folder / name / name)


def _read_picture(folder: Path) -> None:
    path = _only(folder)
    read_rgba(path)
    read_rgb(path)
    for read in (read_mask, read_grey):
        with suppress(UserError):  # not every picture is grey
            read(path)


def _scenes(folder: Path) -> None:
    scene = dome_scene("map", SIZE)
    fault = np.zeros(scene.shape, bool)
    fault[4:9, 7] = True
    scene = scene.replace(fault=fault, depth_valid=~fault, traps=scene.depth < 2040, geo=GEO)
    write_map_folder(scene, folder / "map", margin=3)
    write_map_folder(scene.replace(rgb=None, traps=None), folder / "exact", depth_bits=32)


def _sidecars(folder: Path) -> None:
    _scenes(folder / "made")
    for case in ("map", "exact"):
        for path in (folder / "made" / case).iterdir():
            own = "map.yaml" if path.suffix == ".yaml" else f"kept_{path.name}"
            _sample(folder, case, own, path.read_bytes())
            path.unlink()
        (folder / "made" / case).rmdir()
    (folder / "made").rmdir()


def _read_sidecar(folder: Path) -> None:
    for path in list(folder.glob("kept_*")):
        path.rename(folder / path.name.removeprefix("kept_"))
    _read_maps(folder)


def _read_maps(folder: Path) -> None:
    for source in list_maps([folder]):
        ensure_picture(read_map(source))


# -- grids -------------------------------------------------------------------------------------------------------


def _dome() -> np.ndarray:
    depth = dome_scene("map", SIZE).depth[:, :-3].copy()
    depth[5:8, 4:6] = np.nan
    return depth


def _grids(suffix: str, folder: Path) -> None:
    for case, geo in (("straight", GEO), ("rotated", replace(GEO, rotation=30.0))):
        if suffix == ".zmap" and geo.rotation:
            continue
        (folder / case).mkdir(parents=True)
        write_grid(_dome(), geo, folder / case / f"grid{suffix}")


def _grid_text(head: str, null: str, down: bool, folder: Path) -> None:
    """A text format that is not written by this program."""
    depth = _dome()
    rows, cols = depth.shape
    south, north = 5926000.0 - 50 * (rows - 1), 5926000.0
    ends = {"west": 461000.0, "east": 461000.0 + 50 * (cols - 1), "south": south, "north": north}
    cells = depth.T if down else depth[::-1]
    words = [null if np.isnan(value) else f"{value:.3f}" for value in cells.ravel()]
    body = "\n".join(" ".join(words[i : i + 6]) for i in range(0, len(words), 6))
    _sample(folder, "text", "grid.dat", head.format(rows=rows, cols=cols, **ends) + body + "\n")


GXF = ("! a comment\n#POINTS\n{cols}\n#ROWS\n{rows}\n#PTSEPARATION\n50.0\n#RWSEPARATION\n50.0\n"
       "#XORIGIN\n{west}\n#YORIGIN\n{south}\n#ROTATION\n0.0\n#DUMMY\n9999999.0\n"
       '#MAP_PROJECTION\n"ED50 / UTM zone 31N"\n#GRID\n')  # fmt: skip
CPS3 = ("FSASCI 0 1 COMPUTED 0 0.1E+31 0\nFSATTR 0 0\nFSLIMI {west} {east} {south} {north} 2000 2100\n"
        "FSNROW {rows} {cols}\nFSXINC 50.0 50.0\n->Top\n")  # fmt: skip


def _points(folder: Path) -> None:
    rows, cols = np.indices((8, 9))
    x, y = GEO.xy(rows, cols)
    z = 2000 + rows**2 + cols
    xyz = list(zip(x.ravel(), y.ravel(), z.ravel(), strict=True))
    lines = list(zip(rows.ravel() + 10, cols.ravel() + 100, strict=True))
    _sample(folder, "xyz", "grid.xyz", "".join(f"{a:.2f} {b:.2f} {c:.2f}\n" for a, b, c in xyz))
    _sample(folder, "csv", "grid.csv", "x,y,depth\n" + "".join(f"{a:.2f},{b:.2f},{c:.2f}\n" for a, b, c in xyz))
    lined = "# 1: X\n# 2: Y\n# 3: Inline\n# 4: Crossline\n# 5: Z\n"
    lined += "".join(f"{a:.2f} {b:.2f} {i} {j} {c:.2f}\n" for (a, b, c), (i, j) in zip(xyz, lines, strict=True))
    _sample(folder, "lines", "grid.dat", lined)


def _dialects(names: tuple[str, ...], folder: Path) -> None:
    """The surface of `tests.targets.io.grids.dialects` in every dialect of some formats."""
    # The values of a float grid have to keep the name of its head.
    for number, dialect in enumerate(d for d in DIALECTS if d.format in names and d.suffix != ".hdr"):
        place = folder / f"{number}"
        place.mkdir(parents=True)
        path = place / f"grid{dialect.suffix}"
        dialect.write(path)
        for other in place.iterdir():
            if other != path:  # a source of a VRT, or a file beside a raster
                other.rename(place / f"kept_{other.name}")
                path.write_bytes(path.read_bytes().replace(b">" + other.name.encode(), b">kept_" + other.name.encode()))


def _arrays(folder: Path) -> None:
    _grids(".npz", folder)
    (folder / "npy").mkdir()
    np.save(folder / "npy" / "grid.npy", _dome().astype(np.float32))


def _rasters(folder: Path) -> None:
    import zarr

    _grids(".tif", folder)
    (folder / "npy").mkdir()
    np.save(folder / "npy" / "grid.npy", _dome().astype(np.float32))
    (folder / "zarr").mkdir()
    zarr.create_array(folder / "zarr" / "grid.zarr", data=_dome(), chunks=(12, 12))


def _read_raster(folder: Path) -> None:
    open_raster(_only(folder))[0:9, 3:20]


def _packed(folder: Path) -> None:
    import gzip

    _grids(".irap", folder / "plain")
    for path in sorted(folder.glob("plain/*/grid.irap")):
        _sample(folder, path.parent.name, "grid.irap.gz", gzip.compress(path.read_bytes(), mtime=0))
        path.unlink()
        path.parent.rmdir()
    (folder / "plain").rmdir()


def _read_grid(folder: Path) -> None:
    (path,) = (path for path in folder.iterdir() if not path.name.startswith("kept"))
    detect_format(path)
    read_surface(path)
    _read_maps(folder)


# -- faults ------------------------------------------------------------------------------------------------------

SQUARE = [(461200, 5925800), (461500, 5925800), (461500, 5925500), (461200, 5925500), (461200, 5925800)]
STICK = [[(461100 + 200 * k, 5925900 - 10 * i, 1950 + 60 * i) for i in range(4)] for k in range(4)]


def _faults(folder: Path) -> None:
    pol = "".join(f"{x}.0 {y}.0 2000.0\n" for x, y in SQUARE)
    pol += "999.0 999.0 999.0\n461100 5925100 2000\n461900 5925300 2010\n"
    zmap = "@fault HEADER, POINT, 1\n 1, 1, 2, 3\n@\n"
    zmap += "".join(f"{x} {y} 0.1E+31 {k}\n" for k in (1, 2) for x, y in SQUARE)
    table = "x,y,z,name\n" + "".join(f"{x},{y},2000,F{k}\n" for k in (1, 2) for x, y in SQUARE)
    sticks = "999 999 999\n".join("".join(f"{x} {y} {z}\n" for x, y, z in stick) for stick in STICK)
    texts = {"faults.pol": pol, "faults.zmap": zmap, "faults.csv": table, "stick_faults.pol": sticks}
    around = replace(GEO, x0=458900.0, y0=5936600.0, dx=150.0, dy=-150.0)  # of the faults in dialects
    features = [
        {"type": "Feature", "properties": {"name": line.name},
         "geometry": {"type": "LineString", "coordinates": line.points.tolist()}} for line in dialects.FAULTS
    ]  # fmt: skip
    programs = [sample.data for sample in dialects.program_samples()]
    programs.append(json.dumps({"type": "FeatureCollection", "features": features}).encode())
    programs.append(b'wkt;name\n"LINESTRING (460400 5933500, 460280 5935500)";F1\n')
    for i, data in enumerate(programs):
        _sample(folder, f"program_{i}.dat", f"program_{i}.dat", data)
        write_grid(_dome(), around, folder / f"program_{i}.dat" / "kept.irap")
    for name, text in texts.items():
        _sample(folder, name, name, text)
        write_grid(_dome(), GEO, folder / name / "kept.irap")


def _read_faults(folder: Path) -> None:
    (path,) = (path for path in folder.iterdir() if not path.name.startswith("kept"))
    rasterize_faults(read_fault_lines(path), GEO, (SIZE, SIZE))
    scene = read_grid(folder / "kept.irap", [path])
    name_faults(scene, [path]).rules("sealing", [])


# -- salt ---------------------------------------------------------------------------------------------------------


def _salt(folder: Path) -> None:
    from targets.synthetic.seismic_salt import make_salt_image

    write_salt_dataset([make_salt_image(1), make_salt_image(2)], [make_salt_image(3)], folder / "set")


def _read_salt(folder: Path) -> None:
    for name, column in (("train.csv", "rle_mask"), ("depths.csv", "z")):
        if (folder / name).exists():
            read_id_table(folder / name, column)
    _read_maps(folder)


# -- what a run leaves ---------------------------------------------------------------------------------------------


def _checkpoints(folder: Path) -> None:
    import torch

    from mtl.models.checkpoint import CONFIG_KEY

    net = replace(tiny_config().net, encoder="tu-test_efficientnet", decoder_channels=[8, 8, 8, 8, 8])
    config = tiny_config(heads=("trap",), inputs=("depth",), net=net)
    net, _, _ = build_net(config, pretrained=False)
    content = {
        "state_dict": {f"net.{name}": value for name, value in net.state_dict().items()},
        CONFIG_KEY: config.as_dict(),
    }
    (folder / "run").mkdir(parents=True)
    torch.save(content, folder / "run" / "best.ckpt")
    (folder / "model").mkdir()
    write_weights(config, content["state_dict"], folder / "model" / "model.safetensors")


def _read_checkpoint(folder: Path) -> None:
    load_predictor(_only(folder), "cpu", backend="torch")


def _configs(folder: Path) -> None:
    for path in sorted((Path(__file__).parents[2] / "configs").glob("*.yaml")):
        _sample(folder, path.stem, "config.yaml", path.read_text())


def _ablations(folder: Path) -> None:
    for shipped in ("heads", "inputs", "interpreters", "salt_encoders"):  # one of each kind
        path = Path(__file__).parents[2] / "configs" / "ablations" / f"{shipped}.yaml"
        content = yaml.safe_load(path.read_text())
        for name in ("rows", "conditions"):  # two of each: all cost the same time, and are read alike
            if name in content:
                content[name] = dict(list(content[name].items())[:2])
        _sample(folder, path.stem, "config.yaml", yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        try:
            _read_ablation(folder / path.stem)
        except UserError:  # the base of the others, and what starts from a model that may not be here
            shutil.rmtree(folder / path.stem)


def _read_ablation(folder: Path) -> None:
    expand_grid(read_record(Ablation, ["--config", str(_only(folder))], "tools/ablate.py"), folder)


def _results(folder: Path) -> None:
    from mtl.ablation.results import METRICS, RunResult
    from mtl.evaluation.evaluate import MapScore

    sums = dict.fromkeys(METRICS["trap"].state, 2.0)
    maps = (MapScore("a", "g", {"trap": sums}), MapScore("b", "g", {"trap": sums}))
    (folder / "run").mkdir(parents=True)
    write_results(folder / "run", [RunResult("row", "all", seed, "test", "f00", 0.5, maps) for seed in (0, 1)], ["iou"])


def _predictions(folder: Path) -> None:
    from mtl.prediction.writers import write_plane_png
    from mtl.tasks.heads import HEADS

    scene = dome_scene("map", SIZE)
    (folder / "map").mkdir(parents=True)
    for name in ("trap", "dist"):
        write_plane_png(HEADS[name].drawing, scene.depth_norm(), folder / "map" / f"{name}.png")


def _read_predictions(folder: Path) -> None:
    predictions_in_folder(folder.parent)(dome_scene(folder.name, SIZE))


READERS: dict[str, Reader] = {
    "picture": Reader(_pictures, _read_picture),
    "scene": Reader(_scenes, _read_maps),
    "sidecar": Reader(_sidecars, _read_sidecar),
    "irap": Reader(partial(_grids, ".irap"), _read_grid),
    "irap_binary": Reader(partial(_grids, ".gri"), _read_grid),
    "zmap": Reader(partial(_grids, ".zmap"), _read_grid),
    "cps3": Reader(partial(_grid_text, CPS3, "0.1E+31", True), _read_grid),
    "gxf": Reader(partial(_grid_text, GXF, "9999999.0", False), _read_grid),
    "text_grids": Reader(partial(_dialects, ("ZMAP+", "CPS-3", "IRAP/RMS ASCII", "GXF", "Esri ASCII")), _read_grid),
    "surfer": Reader(partial(_dialects, ("Surfer 6 text", "Surfer 6 binary", "Surfer 7")), _read_grid),
    "netcdf": Reader(partial(_dialects, ("netCDF",)), _read_grid),
    "gis_rasters": Reader(partial(_dialects, ("GeoTIFF", "ERDAS Imagine", "VRT")), _read_grid),
    "points": Reader(_points, _read_grid),
    "geotiff": Reader(partial(_grids, ".tif"), _read_grid),
    "arrays": Reader(_arrays, _read_grid),
    "gzip": Reader(_packed, _read_grid),
    "raster": Reader(_rasters, _read_raster),
    "faults": Reader(_faults, _read_faults),
    "salt": Reader(_salt, _read_salt),
    "checkpoint": Reader(_checkpoints, _read_checkpoint),
    "config": Reader(_configs, lambda folder: read_record(TrainConfig, ["--config", str(_only(folder))], "train")),
    "ablation": Reader(_ablations, _read_ablation),
    "results": Reader(_results, read_results),
    "predictions": Reader(_predictions, _read_predictions),
}  # fmt: skip
