"""Public door to prediction: `load_predictor`, a trained network that predicts whole maps."""

from mtl.inference.predictor import Predictor, load_predictor

__all__ = ["Predictor", "load_predictor"]
