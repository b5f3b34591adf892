"""Tables of wells and places as people have them: headings in their words, separators of their programs."""

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.text_tables.named_points import read_named_points


@pytest.mark.parametrize(
    "text",
    [
        "x,y,name\n1000.5,2000,31/2-A\n1500,2100,B 1\n",
        "Well;Easting;Northing;TVD\n31/2-A;1000,5;2000;1500\nB 1;1500;2100;1501\n",
        "# wells\nname\tX (m)\tY (m)\n31/2-A\t1000.5\t2000\nB 1\t1500\t2100\n",
        '"Well name","Surface X","Surface Y"\n"31/2-A",1000.5,2000\n"B 1",1500,2100\n"no place",,\n',
    ],
)
def test_the_same_wells(tmp_path, text):
    (tmp_path / "wells.csv").write_text(text)
    points = read_named_points(tmp_path / "wells.csv")
    assert points.names == ("31/2-A", "B 1") and points.x.tolist() == [1000.5, 1500] and points.y[0] == 2000


def test_points_of_a_gis(tmp_path):
    geopandas = pytest.importorskip("geopandas")
    frame = geopandas.GeoDataFrame({"Name": ["A", None]}, geometry=geopandas.points_from_xy([1.0, 2.0], [3.0, 4.0]))
    frame.to_file(tmp_path / "wells.geojson")
    points = read_named_points(tmp_path / "wells.geojson")
    assert points.names == ("A",) and np.array_equal(points.x, [1.0])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n3,4\n", "no column x and y and name among: a, b"),
        (b"x,y,name\n,,A\n1,2,\n", "no row has a name"),
        (b"\0\1\2\3" * 99, "is no text"),
        (b"Dear reader\n", "no columns of numbers"),
        (b"", "no columns of numbers"),
    ],
)
def test_other_files_are_refused_with_a_reason(tmp_path, content, said):
    (tmp_path / "wells.csv").write_bytes(content)
    with pytest.raises(UserError, match=said):
        read_named_points(tmp_path / "wells.csv")
    with pytest.raises(UserError, match="no such file"):
        read_named_points(tmp_path / "none.csv")
