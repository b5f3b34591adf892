"""Closures take the names of the points in them, nested ones too, in table and layers."""

import numpy as np

from targets.analysis.analyse import analyse
from targets.analysis.layers import make_vector_layers
from targets.analysis.options import ClosureOptions
from targets.analysis.place_names import name_closures, name_labels
from tests.targets.analysis.maps import ridge, twins


def test_closures_take_the_names_of_their_points(tmp_path) -> None:
    analysis = analyse(twins(), ClosureOptions(min_area=10, min_height=1))
    (root,) = analysis.table[analysis.table["parent"] == 0]
    one, other = analysis.table[analysis.table["parent"] == root["id"]][:2]
    places = [(one["crest_x"], one["crest_y"], "A"), (one["crest_x"] + 0.4, one["crest_y"], "B $2"),
              (one["crest_x"], one["crest_y"], "A"), (other["crest_x"], other["crest_y"], "C"),
              (-50, 7, "far"), (0, 0, "dry")]  # fmt: skip
    (tmp_path / "wells.csv").write_text("x,y,name\n" + "".join(f"{x},{y},{name}\n" for x, y, name in places))
    named, sentence = name_closures(analysis, tmp_path / "wells.csv")
    names = {int(row["id"]): str(row["name"]) for row in named.table}
    assert names[root["id"]] == "A, B $2, C" and names[one["id"]] == "A, B $2" and names[other["id"]] == "C"
    assert sentence == "4 of 6 points of wells.csv lie in a closure, 2 in none (1 off the map)"
    layers = {layer.name: layer.attributes for layer in make_vector_layers(named)}
    assert layers["crests"]["name"].tolist() == [names[root["id"]]] == layers["closures"]["name"].tolist()
    assert set(layers["nested_closures"]["name"]) >= {"A, B $2", "C"}


def test_labels_take_the_names_of_their_points(tmp_path) -> None:
    scene = ridge()
    labels = np.zeros(scene.shape, np.int32)
    labels[2, 3], labels[4, 5] = 1, 2
    places = [scene.geo.xy(*cell) for cell in ((2, 3), (2, 3), (4, 5), (0, 0), (-5, 0))]
    rows = "".join(f"{name},{x},{y}\n" for name, (x, y) in zip("ABCDE", places, strict=True))
    (tmp_path / "wells.csv").write_text("name,x,y\n" + rows, "utf-8")
    names, said = name_labels(scene, labels, tmp_path / "wells.csv", "trap")
    assert names == ["A, B", "C"] and said == "3 of 5 points of wells.csv lie in a trap, 2 in none (1 off the map)"
