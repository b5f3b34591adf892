"""Predictions that a review starts from: of a network as maps are opened, or of the files that a prediction left."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray

from mtl.inference.predictor import Predictor
from mtl.prediction.instances import find_instances, instance_outputs
from mtl.prediction.pages import predict_scene, settle_question
from mtl.prediction.writers import apply_colour_map, output_valid
from mtl.tasks.base import Output, mask_invalid
from mtl.tasks.heads import known_outputs, trap_outputs
from targets.errors import UserError
from targets.io.images import read_rgba
from targets.scene import Scene

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class OutputLayer:
    """One output of a map as the page shows it.

    Attributes
    ----------
    output : Output
        The output.
    colours : (H, W, 4) uint8
        Red, green, blue, opacity.
    vmax : float
        Value of the last colour, NaN where unknown.
    """

    output: Output
    colours: Pixels
    vmax: float


@dataclass(frozen=True)
class MapPrediction:
    """Prediction of one map as the page shows it.

    Attributes
    ----------
    layers : dict[str, OutputLayer]
        {output: its layer}.
    probability : (H, W) uint8, or None
        Probability of trap times 255; over 127 is over one half. None where no output says where traps are.
    """

    layers: dict[str, OutputLayer]
    probability: Pixels | None


PredictionSource = Callable[[Scene], MapPrediction]


def predictions_of_network(predictor: Predictor) -> PredictionSource:
    """Predict maps with a network when they are opened."""

    def predict(scene: Scene) -> MapPrediction:
        values = predict_scene(predictor, settle_question(predictor, scene)).values
        outputs, layers = predictor.outputs, dict[str, OutputLayer]()
        labels, probability = None, None
        if instance_outputs(outputs):
            labels, probability = find_instances(values, outputs, scene.cell_sides)
        for output in outputs:
            drawing = output.drawing
            plane = drawing.plane(mask_invalid(values[output.name], output_valid(output, scene, labels)))
            vmax = float(np.nanmax(plane, initial=1e-6)) if drawing.vmax is None else drawing.vmax
            layers[output.name] = OutputLayer(output, apply_colour_map(drawing, plane), vmax)
        if probability is None:
            return MapPrediction(layers, None)
        return MapPrediction(layers, np.ceil(probability * 255 - 0.5).clip(0, 255).astype(np.uint8))

    return predict


def predictions_in_folder(folder: Path) -> PredictionSource:
    """Read predictions from the pictures that tools/predict.py wrote.

    Parameters
    ----------
    folder : Path
        Output folder of the prediction, with a folder per map.

    Returns
    -------
    PredictionSource
        Raises UserError for a map without pictures, or with pictures of another size or colours.
    """

    def read(scene: Scene) -> MapPrediction:
        layers = {}
        for output in known_outputs().values():
            path = folder / scene.name / f"{output.name}.png"
            if not path.exists():
                continue
            colours = read_rgba(path)
            if colours.shape != (*scene.shape, 4):
                found, expected = f"a picture of shape {colours.shape}", f"{(*scene.shape, 4)}"
                raise UserError(path, found, expected, "predict this map again")
            vmax = output.drawing.vmax
            layers[output.name] = OutputLayer(output, colours, float("nan") if vmax is None else vmax)
        if not layers:
            raise UserError(
                folder / scene.name,
                "holds no prediction of this map",
                "pictures such as trap.png",
                "predict it with tools/predict.py, or give --checkpoint",
            )
        traps = trap_outputs([layer.output for layer in layers.values()])
        return MapPrediction(layers, colour_indices(layers[traps[-1].name]) if traps else None)

    return read


def colour_indices(layer: OutputLayer) -> Pixels:
    """Invert the colour map of a layer.

    Returns
    -------
    (H, W) uint8
        Index of each cell's colour among the 256 of the colour map; 0 where the layer is transparent.

    Raises
    ------
    UserError
        A colour is not of the colour map.
    """
    table = matplotlib.colormaps[layer.output.drawing.colour_map](np.arange(256), bytes=True)
    codes = np.ascontiguousarray(table).view(np.uint32)[:, 0]  # four bytes of a colour as one number
    order = codes.argsort()
    cells = np.ascontiguousarray(layer.colours).view(np.uint32)[..., 0]
    indices = order[np.searchsorted(codes[order], cells).clip(0, 255)]
    opaque = layer.colours[..., 3] > 0
    if (codes[indices] != cells)[opaque].any():
        found = "has colours that this program did not draw"
        raise UserError(f"{layer.output.name}.png", found, hint="predict the map again")
    return np.where(opaque, indices, 0).astype(np.uint8)
