"""Makes the pictures of docs/howto/closures.md with the code of tools/closures.py."""

import tempfile
from pathlib import Path

from PIL import Image

from targets.analysis.analyse import analyse
from targets.analysis.options import ClosureOptions, DepthError
from targets.analysis.writers import write_analysis
from targets.io.outline_files import OutlineOptions
from targets.synthetic.structure_maps import make_structure_map

IMAGES = Path(__file__).parents[1] / "images"


def main() -> None:
    """Make both: the map with its closures, and the probability of closure."""
    scene = make_structure_map(700001, 400, name="example").replace(rgb=None)
    analysis = analyse(scene, ClosureOptions(), DepthError(8.0, 1000.0, realisations=100))
    with tempfile.TemporaryDirectory() as folder:
        write_analysis(analysis, Path(folder), grids="npz", outlines=OutlineOptions("geojson"))
        for name in ("closures", "probability"):
            picture = Image.open(Path(folder) / f"{name}.png").convert("RGB")
            small = picture.resize((picture.width * 2 // 3, picture.height * 2 // 3), Image.Resampling.LANCZOS)
            small.quantize(256, Image.Quantize.MEDIANCUT).save(IMAGES / f"tool_{name}.png", optimize=True)


if __name__ == "__main__":
    main()
