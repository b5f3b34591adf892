"""Makes docs/images/export_bands.png: the bands that Deepness gives a network, and what it gets back.

python docs/pictures/make_export_pictures.py runs/demo/best.ckpt
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from matplotlib.figure import Figure

from mtl.export.deepness import export_deepness
from mtl.inference.predictor import load_predictor
from targets.io.images import read_grey, read_rgb
from targets.io.map_folder.writer import write_map_folder
from targets.synthetic.structure_maps import make_structure_map

IMAGE = Path(__file__).parents[1] / "images" / "export_bands.png"


def main(checkpoint: str) -> None:
    """Draw the bands of one map that is a single tile, and the classes of the exported network."""
    predictor = load_predictor(checkpoint, "cpu")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_map_folder(make_structure_map(700002, predictor.config.patches.size), folder / "map", depth_bits=8)
        export_deepness(predictor, "trap", None, folder / "trap.onnx")
        bands = []
        for record in predictor.inputs:
            assert record.stored is not None  # else the export had refused
            path = folder / "map" / record.stored.file
            bytes_ = read_rgb(path) if record.channels == 3 else 255 * read_grey(path)[0][..., None]
            planes = zip("RGB", np.moveaxis(bytes_, -1, 0), strict=False)
            bands += [(f"{record.stored.file} {c}".removesuffix(" R" * (record.channels == 1)), p) for c, p in planes]
        x = np.stack([plane for _, plane in bands])[None].astype(np.float32) / 255
        ((answer,),) = onnxruntime.InferenceSession(folder / "trap.onnx").run(None, {"input": x})
        picture = read_rgb(folder / "map" / "rgb.png")
    figure = Figure(figsize=(15, 3.1), dpi=90, layout="constrained")
    axes = figure.subplots(1, len(bands) + 1)
    for number, (axis, (title, plane)) in enumerate(zip(axes, bands, strict=False), 1):
        axis.imshow(plane, cmap="gray", vmin=0, vmax=255)
        axis.set_title(f"band {number}: {title}", fontsize=9)
    axes[-1].imshow(picture)
    axes[-1].contourf(answer.argmax(0), levels=[0.5, 1.5], colors=["white"], alpha=0.6)
    axes[-1].contour(answer.argmax(0), levels=[0.5], colors=["magenta"], linewidths=2)
    axes[-1].set_title("answer: class 1, trap", fontsize=9)
    for axis in axes:
        axis.set(xticks=[], yticks=[])
    figure.savefig(IMAGE)


if __name__ == "__main__":
    main(sys.argv[1])
