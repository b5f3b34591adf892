"""How do seismic images with salt lie on disk? Reads and writes the layout of the TGS Salt Identification Challenge.

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
from targets.errors import UserError
from targets.io.images import read_grey, read_mask, write_picture
from targets.scene import Bool, Scene

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
        Names its files.
    files : dict[str, Path]
        `image`, where there is one `mask`, and the tables that ought to tell of it: `depths`, and of a training image
        `train`.
    row : dict[str, str]
        What they tell: `z` and `rle_mask`, as text.
    """

    id: str
    files: dict[str, Path] = field(hash=False)
    table_values: dict[str, str] = field(hash=False)


def find_salt_images(folder: str | Path) -> list[SaltImage]:
    """The images of a set, or of its part ``train`` or ``test``; none where the folder is neither.

    Of a whole set these are the training images, since the salt of the others is unknown.

    Raises
    ------
    UserError
        A table is damaged.
    """
    root, parts = _root_and_parts(Path(folder))
    tables = {name: read_id_table(root / name, column) for name, column in COLUMNS.items() if (root / name).is_file()}
    if not tables:
        return []
    for part in parts:
        images = {path.stem: path for path in sorted((root / part / "images").glob("*.png"))}
        if images:
            order = [name for name in tables.get("train.csv", {}) if name in images] if part == "train" else []
            return [_files(root, part, images[name], tables) for name in dict.fromkeys([*order, *images])]
    return []


def _root_and_parts(folder: Path) -> tuple[Path, tuple[str, ...]]:
    whole = folder.resolve()
    if whole.name in PARTS and (whole / "images").is_dir():
        return folder.parent if folder.name else whole.parent, (whole.name,)
    return folder, PARTS


def _files(root: Path, part: str, image: Path, tables: Mapping[str, Mapping[str, str]]) -> SaltImage:
    files = {"image": image, "depths": root / "depths.csv"}
    if part == "train":
        files["train"] = root / "train.csv"
        mask = root / part / "masks" / image.name
        if mask.is_file():
            files["mask"] = mask
    told = {COLUMNS[name]: rows[image.stem] for name, rows in tables.items() if image.stem in rows}
    return SaltImage(image.stem, files, told)


def read_id_table(path: Path, column: str) -> dict[str, str]:
    """{id: text} of one column of a table with a column ``id``, in its order.

    Raises
    ------
    UserError
        The file cannot be read, lacks a column, or names an image twice.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head = next(csv.reader(file), [])
        if lack := {"id", column} - set(head):
            raise UserError(path, f"has no column {', '.join(sorted(lack))}", f"the columns id,{column}")
        found: dict[str, str] = {}
        for row in read_csv(path):
            if (image := row.get("id", "")) in found:
                raise UserError(path, f"names {image} twice", "every image once", "remove one of the rows")
            found[image] = row.get(column, "")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(path, f"cannot be read ({error})", "a table with commas between its columns") from error
    return found


def read_salt_image(name: str, files: Mapping[str, Path], row: Mapping[str, str]) -> Scene:
    """Read one image: grey as a picture, its salt where it is known, and its depth.

    Parameters
    ----------
    name : str
        Of the scene.
    files, row
        As in `ImageFiles`.

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
        salt=_salt(image.stem, files, row, shape),
        image_depth=_depth(image.stem, files["depths"], row),
    )


def _check_size(path: Path, pixels: NDArray) -> None:
    if pixels.shape != (IMAGE_SIDE, IMAGE_SIDE):
        raise UserError(path, f"{pixels.shape[1]} x {pixels.shape[0]} pixels", f"{IMAGE_SIDE} x {IMAGE_SIDE}",
                        "cut or pad it to this size, mask and run-length code with it")  # fmt: skip


def _depth(image: str, path: Path, row: Mapping[str, str]) -> float:
    if "z" not in row:
        found = f"tells no depth of {image}" if path.is_file() else "no such file"
        raise UserError(path, found, f"a row {image},z", "add it: every image has a depth")
    try:
        z = float(row["z"])
    except ValueError:
        z = float("nan")
    if not np.isfinite(z):
        raise UserError(path, f"the depth of {image} is {row['z']!r}", "a number")
    return z


def _salt(image: str, files: Mapping[str, Path], row: Mapping[str, str], shape: tuple[int, int]) -> Bool | None:
    """The salt that mask and run-length code tell; None of a test image."""
    if "train" not in files:
        return None
    told = decode_rle(row["rle_mask"], shape, f"{files['train']}, {image}") if "rle_mask" in row else None
    if "mask" not in files:
        if told is None:
            mend = "add its mask, or its row to train.csv"
            raise UserError(files["image"], "its salt is unknown: no mask and no run-length code", "either", mend)
        return told
    drawn = read_mask(files["mask"])
    _check_size(files["mask"], drawn)
    if told is not None and (unlike := int((told ^ drawn).sum())):
        raise UserError(files["mask"], f"differs from the run-length code in train.csv in {unlike} cells", "one mask",
                        "write the code anew, or remove the file that is wrong")  # fmt: skip
    if told is None and files["train"].is_file():
        raise UserError(files["train"], f"has no row of {image}", f"a row {image},rle_mask", "add it")
    return drawn


def encode_rle(mask: Bool) -> str:
    """The run-length code of a mask (H, W): starts from 1, and lengths, down the columns."""
    cells = np.pad(mask.ravel(order="F").astype(np.int8), 1)
    edges = np.flatnonzero(np.diff(cells))
    starts, ends = edges[::2], edges[1::2]
    return " ".join(f"{start + 1} {end - start}" for start, end in zip(starts, ends, strict=True))


def decode_rle(code: str, shape: tuple[int, int], where: object = "run-length code") -> Bool:
    """The mask (H, W) of a run-length code.

    Parameters
    ----------
    where : object, default 'run-length code'
        What an error names.

    Raises
    ------
    UserError
        No pairs of whole numbers, runs that overlap or go backwards, or that end beyond the image.
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
    """Write images as a set that `find_images` finds: the masks of the training images, the depths of all.

    Parameters
    ----------
    train, test : Iterable[Scene]
        As `write_image` takes them.

    Raises
    ------
    UserError
        A file cannot be written.
    """
    parts = zip(PARTS, (train, test), strict=True)
    write_salt_tables([write_salt_image(scene, part, folder) for part, scenes in parts for scene in scenes], folder)


def write_salt_image(scene: Scene, part: str, folder: str | Path) -> tuple[str, dict[str, str]]:
    """Write one image of a part of a set; returns its id, and what tables tell of it (`ImageFiles.row`).

    Parameters
    ----------
    scene : Scene
        With a grey picture and a `z`, of the training images with `salt`. Its name becomes the id.
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
    """Write train.csv and depths.csv of a set, from what `write_image` returned, in this order."""
    for name, column in COLUMNS.items():
        write_id_table({image: row[column] for image, row in rows if column in row}, column, Path(folder) / name)


def write_id_table(rows: Mapping[str, str], column: str, path: Path) -> None:
    """Write {id: text} as a table ``id,COLUMN``: of run-length codes, a submission."""
    write_csv(path, ["id", column], rows.items())
