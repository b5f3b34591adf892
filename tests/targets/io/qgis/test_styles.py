"""QGIS styles: they say what the record says, and no name breaks out of the XML."""

from xml.etree import ElementTree

import pytest

from targets.io.qgis.styles import CategorizedStyle, GeometryType, LayerStyle, class_raster_qml, vector_layer_qml

BLACK = (0, 0, 0, 255)
HOSTILE = "\"><script>alert(1)</script>&'=1"


@pytest.mark.parametrize(
    ("geometry_type", "style", "parts"),
    [
        ("MultiPolygon", LayerStyle(BLACK, line_style="dot"), ['name="outline_style" value="dot"']),
        ("Point", LayerStyle(BLACK, marker="triangle"), ['name="name" value="triangle"']),
        ("Point", LayerStyle(BLACK, marker="circle", label='"id"'), ['labelsEnabled="1"', 'fieldName="&#34;id&#34;"']),
        ("LineString", LayerStyle(BLACK, arrow_head=True), ["filled_arrowhead", 'value="lastvertex"']),
    ],
)
def test_the_template_says_what_the_style_says(
    geometry_type: GeometryType, style: LayerStyle, parts: list[str]
) -> None:
    qml = vector_layer_qml(geometry_type, style)
    assert all(part in qml for part in parts)


def test_names_do_not_break_out_of_styles() -> None:
    style = LayerStyle(BLACK, marker=HOSTILE, label=HOSTILE)
    for qml in (
        vector_layer_qml("Point", CategorizedStyle(HOSTILE, {HOSTILE: style})),
        vector_layer_qml("Point", style),
        class_raster_qml({HOSTILE: BLACK}),
    ):
        root = ElementTree.fromstring(qml.split("\n", 1)[1])
        assert root.find(".//script") is None
        assert {HOSTILE} <= {value for node in root.iter() for value in node.attrib.values()}
