"""Command make_salt: seismic images with and without salt to train and test on, in the layout of the TGS challenge."""

from functools import partial
from pathlib import Path

from mtl.migration import EARLIER_MAKE_SALT
from targets.common.cli import run
from targets.common.parallel import THIS_PROCESS, Workers, map_unordered
from targets.common.process_lifetime import importing
from targets.errors import UserError, raise_all
from targets.synthetic.options import DEFAULT_SALT, SaltImageOptions

CONTACT_SHEET = "contact_sheet"
CONTACT_SHEET_IMAGES = 32
SEEDS = 50_000  # training images of one --seed at most, and as many test images, so that no two sets share an image


def main(
    workers: Workers = THIS_PROCESS,
    *,
    out: Path,
    count: int = 400,
    test: int = 100,
    seed: int = 0,
    seismic: SaltImageOptions = DEFAULT_SALT,
) -> None:
    """Make seismic images with and without salt.

    Parameters
    ----------
    out : Path
        Folder that gets train/, test/, train.csv, depths.csv, and contact_sheet.png with the first images.
    count : int, default 400
        Number of training images, with masks.
    test : int, default 100
        Number of test images, without masks.
    seed : int, default 0
        The same seed makes the same images; different seeds share none.
    seismic : SaltImageOptions, default DEFAULT_SALT
        What the images look like.
    """
    with importing():
        from targets.io.catalogue import list_maps, read_map
        from targets.io.images import write_picture
        from targets.io.tgs_salt import write_salt_tables
        from targets.synthetic.seismic_salt import salt_contact_sheet, salt_image_name

    if not (0 < count <= SEEDS and 0 <= test <= SEEDS):
        raise UserError("--count, --test", f"{count}, {test}", f"numbers from 1 and 0 to {SEEDS}")
    if seed < 0:
        raise UserError("--seed", f"{seed}", "at least 0")
    first = 2 * SEEDS * seed
    jobs = [("train", first + i) for i in range(count)] + [("test", first + SEEDS + i) for i in range(test)]
    _check_folder(out, {salt_image_name(seed) for _, seed in jobs})
    outcomes = dict(map_unordered(partial(_make_and_write, seismic, out), jobs, workers, "images"))
    raise_all({index: outcome for index, outcome in outcomes.items() if isinstance(outcome, UserError)})
    write_salt_tables([row for _, row in sorted(outcomes.items()) if not isinstance(row, UserError)], out)
    sheet = out / f"{CONTACT_SHEET}.png"
    write_picture(salt_contact_sheet([read_map(source) for source in list_maps([out])[:CONTACT_SHEET_IMAGES]]), sheet)
    print(f"{count} training and {test} test images in {out}: look at {sheet}")


def _check_folder(out: Path, own: set[str]) -> None:
    """Refuse a folder with other maps, which the set would hide, or with other images, whose tables it would replace.

    Raises
    ------
    UserError
        It holds such; images of a command like this one may lie there.
    """
    from targets.io.tgs_salt import find_image_ids

    expected, hint = "an empty folder, or one that the same command filled", "choose another --out"
    if others := find_image_ids(out) - own:
        raise UserError("--out", f"{out} holds other seismic images ({min(others)}), whose tables would be replaced",
                        expected, hint)  # fmt: skip
    if maps := _find_others(out, own):
        found = f"{out} holds other maps ({maps[0]}), which are not read beside seismic images"
        raise UserError("--out", found, expected, hint)


def _find_others(out: Path, own: set[str]) -> list[str]:
    """Names of the maps in a folder that are no images of the set."""
    from targets.io.catalogue import find_maps

    try:
        sources = find_maps([out]).sources if out.is_dir() else []
    except UserError:  # there are none
        return []
    return [source.name for source in sources if source.path.stem not in (*own, CONTACT_SHEET)]


def _make_and_write(seismic: SaltImageOptions, out: Path, job: tuple[str, int]) -> tuple[str, dict[str, str]]:
    """Write one image; returns its id and its cells of the tables."""
    with importing():
        from targets.io.tgs_salt import write_salt_image
        from targets.synthetic.seismic_salt import make_salt_image

    part, seed = job
    return write_salt_image(make_salt_image(seed, seismic), part, out)


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args, earlier=EARLIER_MAKE_SALT)
