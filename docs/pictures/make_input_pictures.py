"""Makes docs/images/inputs.png: every input channel of one structure map, as a network is fed it."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from mtl.data.channels import INPUTS
from targets.synthetic.structure_maps import make_structure_map

IMAGE = Path(__file__).parents[1] / "images" / "inputs.png"
OF_SEISMIC = ("salt_depth_abs", "true_depth")  # shown in docs/howto/salt.md
COLOURS = {"depth": "RdYlBu_r", "gradient": "magma", "closure": "viridis", "ramp": "cividis"}


def main() -> None:
    """Draw the channels of one synthetic map; what lies outside it is grey."""
    scene = make_structure_map(700002, 256)
    figure = Figure(figsize=(14, 5.8), dpi=80, layout="constrained")
    axes = figure.subplots(2, 5)
    records = [record for record in INPUTS.values() if record.name not in OF_SEISMIC]
    for axis, record in zip(axes.flat, records, strict=False):
        values = record.compute(scene)
        if record.channels == 3:
            axis.imshow(np.clip((np.moveaxis(values, 0, -1) / 2 + 1) / 2, 0, 1))
        else:
            shown = np.ma.masked_array(values[0], ~scene.map_valid)
            ends = (None, None) if record.name in COLOURS else (0, 1.4)  # black on white, 1 still a dark grey
            drawn = axis.imshow(shown, cmap=COLOURS.get(record.name, "gray_r"), vmin=ends[0], vmax=ends[1])
            if record.name in COLOURS:
                figure.colorbar(drawn, ax=axis, shrink=0.7)
        axis.set_facecolor("0.85")
        axis.set_title(f"{record.name}\n{record.unit}", fontsize=9)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    for axis in axes.flat[len(records) :]:
        axis.remove()
    figure.savefig(IMAGE)


if __name__ == "__main__":
    main()
