"""Styles of vector layers and class rasters in QGIS's own XML (QML), from the templates beside this module."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from targets.io.images import RGBA

GeometryType = Literal["MultiPolygon", "Point", "LineString"]


@dataclass(frozen=True)
class LayerStyle:
    """How a GIS draws the features of a layer.

    Attributes
    ----------
    line_colour : RGBA
        Of lines and outlines: red, green, blue and opacity, 0 to 255.
    fill_colour : RGBA, default (255, 255, 255, 0)
        Of polygons and points; opacity 0: not filled.
    line_width : float, default 0.5
        Width of lines and outlines in mm.
    marker : str, default ''
        Shape of a point, a name that QGIS knows (triangle, circle); "" for polygons and lines.
    marker_size : float, default 3.0
        Size of a point or an arrow head in mm.
    line_style : Literal['solid', 'dot', 'dash'], default 'solid'
        Of lines and outlines of polygons.
    arrow_head : bool, default False
        An arrow head at the end of every line.
    label : str, default ''
        Expression of QGIS for the text beside a feature, such as ``"id"``; "": none.
    """

    line_colour: RGBA
    fill_colour: RGBA = (255, 255, 255, 0)
    line_width: float = 0.5
    marker: str = ""
    marker_size: float = 3.0
    line_style: Literal["solid", "dot", "dash"] = "solid"
    arrow_head: bool = False
    label: str = ""


def label_of(columns: Sequence[str]) -> str:
    """The expression that writes a feature's id, and its name where the layer has names.

    Examples
    --------
    >>> print(label_of(["id", "name"]))
    trim(concat("id", ' ', "name"))
    """
    return """trim(concat("id", ' ', "name"))""" if "name" in columns else '"id"'


@dataclass(frozen=True)
class CategorizedStyle:
    """A style for each category of features.

    Attributes
    ----------
    column : str
        The attribute that holds a feature's category.
    styles : dict[str, LayerStyle]
        {value of the attribute: style}.
    """

    column: str
    styles: dict[str, LayerStyle]


def vector_layer_qml(geometry_type: GeometryType, style: LayerStyle | CategorizedStyle) -> str:
    """The QML of a vector layer.

    Parameters
    ----------
    geometry_type : GeometryType
        MultiPolygon, Point or LineString.
    style : LayerStyle | CategorizedStyle
        How the layer is drawn, all features alike or by category.

    Returns
    -------
    qml : str
        Every text in it is escaped.

    Examples
    --------
    >>> 'name="name" value="triangle"' in vector_layer_qml("Point", LayerStyle((0, 0, 0, 255), marker="triangle"))
    True
    """
    if isinstance(style, CategorizedStyle):
        column, styles, label = style.column, style.styles, ""
    else:
        column, styles, label = None, {"": style}, style.label
    template = _templates().get_template("vector_layer.qml.j2")
    return template.render(geometry_type=geometry_type, column=column, styles=styles, label=label)


def class_raster_qml(classes: Mapping[str, RGBA]) -> str:
    """The QML of a raster of classes: names and colours of the values 1, 2, …

    Parameters
    ----------
    classes : Mapping[str, RGBA]
        {name: colour} in the order of the values.

    Returns
    -------
    qml : str
        Every text in it is escaped.
    """
    return _templates().get_template("class_raster.qml.j2").render(classes=classes)


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
