"""Seismic images with salt in the file layout of the TGS Salt Identification Challenge.

========================  =============================================================================================
``train/images/ID.png``   a seismic image, grey, 101 x 101; the images of ``train.csv``, in its order
``train/masks/ID.png``    salt white, all else black
``train.csv``             ``id,rle_mask``: the same masks as run-length codes
``depths.csv``            ``id,z``: how deep each image lies
``test/images/ID.png``    images whose salt is asked for
``submission.csv``        ``id,rle_mask``: an answer
========================  =============================================================================================

A run-length code is a list ``start length start length ...`` of the cells that are salt, counted from 1 down the
columns, one column behind the other; nothing at all is an empty mask.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.common.csv_tables import read_csv, write_csv
from targets.common.files.input_files import require_file
from targets.errors import UserError
from targets.io.images import read_grey, read_mask, write_picture
from targets.scene import Bool, Provenance, Scene

IMAGE_SIDE = 101  # cells of an image, both ways
PARTS = ("train", "test")
COLUMNS = {"train.csv": "rle_mask", "depths.csv": "z"}
SUBMISSION = "submission.csv"


@dataclass(frozen=True)
class SaltImage:
    """One image of a set.

    Attributes
    ----------
    id : str
        The name of its files, without suffix.
    files : dict[str, Path]
        {kind: file}: "image", "mask" where there is one, and the tables that should hold it: "depths", and for a
        training image "train".
    row : dict[str, str]
        What the tables hold for it: "z" and "rle_mask", as text.
    """

    id: str
    files: dict[str, Path] = field(hash=False)
    table_values: dict[str, str] = field(hash=False)


def find_salt_images(folder: str | Path) -> list[SaltImage]:
    """Find the images of a data set, or of its part ``train`` or ``test``.

    Parameters
    ----------
    folder : str | Path
        The data set, or one of its parts. Of a whole data set the training images are found, since the salt of the
        others is unknown.

    Returns
    -------
    images : list[SaltImage]
        Training images in the order of ``train.csv``, others by name; none if the folder is no such data set.

    Raises
    ------
    UserError
        A table is damaged.
    """
    root, parts = _split_part(Path(folder))
    tables = {name: read_id_table(root / name, column) for name, column in COLUMNS.items() if (root / name).is_file()}
    if not tables:
        return []
    for part in parts:
        images = {path.stem: path for path in sorted((root / part / "images").glob("*.png"))}
        if images:
            order = [name for name in tables.get("train.csv", {}) if name in images] if part == "train" else []
            return [_salt_image(root, part, images[name], tables) for name in dict.fromkeys([*order, *images])]
    return []


def find_image_ids(folder: Path) -> set[str]:
    """All ids of a data set: those of its tables, and of the images and masks of both parts.

    Raises
    ------
    UserError
        A table is damaged.
    """
    tables = [read_id_table(folder / name, column) for name, column in COLUMNS.items() if (folder / name).is_file()]
    files = [path.stem for part in PARTS for path in (folder / part).glob("*/*.png")]
    return set(files).union(*tables)


def _split_part(folder: Path) -> tuple[Path, tuple[str, ...]]:
    """The data set's folder, and its parts that may hold the images."""
    whole = folder.resolve()
    if whole.name in PARTS and (whole / "images").is_dir():
        return folder.parent if folder.name else whole.parent, (whole.name,)
    return folder, PARTS


def _salt_image(root: Path, part: str, image: Path, tables: Mapping[str, Mapping[str, str]]) -> SaltImage:
    files = {"image": image, "depths": root / "depths.csv"}
    if part == "train":
        files["train"] = root / "train.csv"
        mask = root / part / "masks" / image.name
        if mask.is_file():
            files["mask"] = mask
    values = {COLUMNS[name]: rows[image.stem] for name, rows in tables.items() if image.stem in rows}
    return SaltImage(image.stem, files, values)


def read_id_table(path: Path, column: str) -> dict[str, str]:
    """Read one column of a table with a column ``id``.

    Parameters
    ----------
    path : Path
        A CSV file.
    column : str
        The column's name.

    Returns
    -------
    values : dict[str, str]
        {id: text} in the order of the table.

    Raises
    ------
    UserError
        The file cannot be read, lacks a column, or names an image twice.
    """
    require_file(path, "a table with commas between its columns")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head = next(csv.reader(file), [])
        if missing := {"id", column} - set(head):
            raise UserError(path, f"has no column {', '.join(sorted(missing))}", f"the columns id,{column}")
        found: dict[str, str] = {}
        for row in read_csv(path):
            if (image_id := row.get("id", "")) in found:
                raise UserError(path, f"names {image_id} twice", "every image once", "remove one of the rows")
            found[image_id] = row.get(column, "")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(path, f"cannot be read ({error})", "a table with commas between its columns") from error
    return found


def read_salt_image(name: str, files: Mapping[str, Path], table_values: Mapping[str, str]) -> Scene:
    """Read one image: grey as a picture, its salt where it is known, and its depth.

    Parameters
    ----------
    name : str
        The name of the scene.
    files : Mapping[str, Path]
        {kind: file} as in `SaltImage`.
    table_values : Mapping[str, str]
        {column: text} as in `SaltImage`.

    Returns
    -------
    scene : Scene
        Its `rgb` is grey, `salt` None for a test image, `image_depth` as the table says.

    Raises
    ------
    UserError
        The image has no depth, another size than 101 x 101, or a mask that differs from its run-length code.
    """
    image = files["image"]
    grey = np.rint(read_grey(image)[0] * 255).astype(np.uint8)
    _check_size(image, grey)
    shape = (IMAGE_SIDE, IMAGE_SIDE)
    # Views of one cell: thousands of images share what all of them lack.
    nothing, everything = np.broadcast_to(np.False_, shape), np.broadcast_to(np.True_, shape)
    return Scene(
        name=name,
        depth=np.broadcast_to(np.float32(0), shape),
        depth_valid=nothing,
        map_valid=everything,
        fault=nothing,
        rgb=np.broadcast_to(grey[..., None], (*shape, 3)),
        salt=_read_salt(image.stem, files, table_values, shape),
        image_depth=_parse_depth(image.stem, files["depths"], table_values),
        provenance=Provenance(image.name, "seismic image"),
    )


def _check_size(path: Path, pixels: NDArray) -> None:
    if pixels.shape != (IMAGE_SIDE, IMAGE_SIDE):
        raise UserError(path, f"{pixels.shape[1]} x {pixels.shape[0]} pixels", f"{IMAGE_SIDE} x {IMAGE_SIDE}",
                        "cut or pad it to this size, mask and run-length code with it")  # fmt: skip


def _parse_depth(image: str, path: Path, table_values: Mapping[str, str]) -> float:
    if "z" not in table_values:
        found = f"has no depth of {image}" if path.is_file() else "no such file"
        raise UserError(path, found, f"a row {image},z", "add it: every image has a depth")
    try:
        depth = float(table_values["z"])
    except ValueError:
        depth = float("nan")
    if not np.isfinite(depth):
        raise UserError(path, f"the depth of {image} is {table_values['z']!r}", "a number")
    return depth


def _read_salt(
    image: str, files: Mapping[str, Path], table_values: Mapping[str, str], shape: tuple[int, int]
) -> Bool | None:
    """The salt of mask and run-length code, which must agree; None for a test image."""
    if "train" not in files:
        return None
    code = table_values.get("rle_mask")
    decoded = None if code is None else decode_rle(code, shape, f"{files['train']}, {image}")
    if "mask" not in files:
        if decoded is None:
            hint = "add its mask, or its row to train.csv"
            raise UserError(files["image"], "its salt is unknown: no mask and no run-length code", "either", hint)
        return decoded
    mask = read_mask(files["mask"])
    _check_size(files["mask"], mask)
    if decoded is not None and (differing := int((decoded ^ mask).sum())):
        found = f"differs from the run-length code in train.csv in {differing} cells"
        raise UserError(files["mask"], found, "one mask", "write the code again, or remove the file that is wrong")
    if decoded is None and files["train"].is_file():
        raise UserError(files["train"], f"has no row of {image}", f"a row {image},rle_mask", "add it")
    return mask


def encode_rle(mask: Bool) -> str:
    """Encode a mask by its runs of True, down the columns.

    Parameters
    ----------
    mask : (H, W) bool
        The cells to encode.

    Returns
    -------
    code : str
        Start (counted from 1) and length of every run, with spaces between; "" for an empty mask.

    Examples
    --------
    >>> encode_rle(np.array([[True, False], [True, True]]))
    '1 2 4 1'
    """
    cells = np.pad(mask.ravel(order="F").astype(np.int8), 1)
    edges = np.flatnonzero(np.diff(cells))
    starts, ends = edges[::2], edges[1::2]
    return " ".join(f"{start + 1} {end - start}" for start, end in zip(starts, ends, strict=True))


def decode_rle(code: str, shape: tuple[int, int], where: object = "run-length code") -> Bool:
    """Decode a run-length code: the inverse of `encode_rle`.

    Parameters
    ----------
    code : str
        Start and length of every run, from 1 down the columns.
    shape : tuple[int, int]
        Rows and columns of the mask.
    where : object, default 'run-length code'
        The file or row that an error names.

    Returns
    -------
    mask : (H, W) bool

    Raises
    ------
    UserError
        The code is no pairs of whole numbers, or its runs overlap, go backwards or end beyond the image.

    Examples
    --------
    >>> decode_rle("1 2 4 1", (2, 2)).tolist()
    [[True, False], [True, True]]
    """
    words = code.split()
    if len(words) % 2 or not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        found = f"{code[:40]!r} is no run-length code"
        raise UserError(where, found, "pairs of whole numbers, start and length, with spaces between them")
    numbers = np.array(words, np.int64).reshape(-1, 2)
    starts, ends = numbers[:, 0] - 1, numbers.sum(axis=1) - 1
    if (numbers < 1).any() or (starts[1:] < ends[:-1]).any():
        raise UserError(where, "runs overlap, go backwards or are empty", "starts from 1 on, each behind the last run")
    cells = shape[0] * shape[1]
    if ends.max(initial=0) > cells:
        expected = f"at most {cells}, the cells of {shape[1]} x {shape[0]}"
        raise UserError(
            where, f"a run ends at cell {ends.max()}", expected, "check that image and code are of one size"
        )
    steps = np.zeros(cells + 1, np.int8)
    np.add.at(steps, starts, 1)
    np.add.at(steps, ends, -1)
    return np.cumsum(steps[:-1]).astype(np.bool_).reshape(shape, order="F")


def write_salt_dataset(train: Iterable[Scene], test: Iterable[Scene], folder: str | Path) -> None:
    """Write images as a data set that `find_salt_images` finds: the masks of the training images, the depths of all.

    Parameters
    ----------
    train, test : Iterable[Scene]
        The images of both parts, as `write_salt_image` takes them.
    folder : str | Path
        The data set; it is made.

    Raises
    ------
    UserError
        A file cannot be written.
    """
    parts = zip(PARTS, (train, test), strict=True)
    write_salt_tables([write_salt_image(scene, part, folder) for part, scenes in parts for scene in scenes], folder)


def write_salt_image(scene: Scene, part: str, folder: str | Path) -> tuple[str, dict[str, str]]:
    """Write one image and its mask; its table values are returned, for `write_salt_tables`.

    Parameters
    ----------
    scene : Scene
        With a grey picture and an `image_depth`; of the training part with `salt`. Its name becomes the id.
    part : str
        "train" or "test".
    folder : str | Path
        The data set.

    Returns
    -------
    id : str
        The image's id.
    table_values : dict[str, str]
        {column: text} for its rows of the tables, as in `SaltImage`.

    Raises
    ------
    UserError
        A file cannot be written.
    """
    assert scene.rgb is not None and scene.image_depth is not None
    write_picture(scene.rgb[..., 0], Path(folder) / part / "images" / f"{scene.name}.png")
    row = {"z": f"{scene.image_depth:g}"}
    if part == "train":
        assert scene.salt is not None
        write_picture(scene.salt, Path(folder) / part / "masks" / f"{scene.name}.png")
        row["rle_mask"] = encode_rle(scene.salt)
    return scene.name, row


def write_salt_tables(rows: Sequence[tuple[str, Mapping[str, str]]], folder: str | Path) -> None:
    """Write ``train.csv`` and ``depths.csv`` of a data set.

    Parameters
    ----------
    rows : Sequence[tuple[str, Mapping[str, str]]]
        Id and table values of every image, as `write_salt_image` returns them, in this order.
    folder : str | Path
        The data set.

    Raises
    ------
    UserError
        A file cannot be written.
    """
    for name, column in COLUMNS.items():
        write_id_table({image: row[column] for image, row in rows if column in row}, column, Path(folder) / name)


def write_id_table(rows: Mapping[str, str], column: str, path: Path) -> None:
    """Write a table of two columns, such as a submission of run-length codes.

    Parameters
    ----------
    rows : Mapping[str, str]
        {id: text}.
    column : str
        The name of the second column; the first is ``id``.
    path : Path
        The CSV file.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    write_csv(path, ["id", column], rows.items())
