"""Makes docs/images/check_contradiction.png: drawn traps beside exact closures, as tools/check_data.py shows them."""

from pathlib import Path

import numpy as np
from PIL import Image

from targets.check.report import draw_disagreement
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import compute_traps

IMAGE = Path(__file__).parents[1] / "images" / "check_contradiction.png"


def main() -> None:
    """One map whose traps were exported ten cells too low and without the smallest."""
    rules = TrapCriteria()
    scene = make_structure_map(22, 256, name="north_field")
    labels, _, _ = compute_traps(scene, rules)
    large = np.isin(labels, 1 + np.flatnonzero(np.bincount(labels.ravel())[1:] > 400))
    drawn = np.roll(large, 10, axis=0) & scene.map_valid
    draw_disagreement(scene.replace(rgb=None, traps=drawn), rules).savefig(IMAGE)
    picture = Image.open(IMAGE).convert("RGB")
    small = picture.resize((picture.width * 5 // 8, picture.height * 5 // 8), Image.Resampling.LANCZOS)
    small.quantize(256, Image.Quantize.MEDIANCUT).save(IMAGE, optimize=True)


if __name__ == "__main__":
    main()
