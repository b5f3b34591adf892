"""Command fit_rules: the rules of closure that explain the traps an interpreter drew, as a sentence and a file."""

import re
from pathlib import Path

from targets.common.cli import run
from targets.common.parallel import THIS_PROCESS, Workers
from targets.common.process_lifetime import importing
from targets.errors import UserError, raise_all
from targets.io.read_options import DEFAULT_READING, ReadOptions


def main(
    data: tuple[str, ...],
    workers: Workers = THIS_PROCESS,
    *,
    out: Path = Path("rules.yaml"),
    reading: ReadOptions = DEFAULT_READING,
    interpreter: str | None = None,
    pictures: int = 4,
) -> None:
    """Find the rules of closure that explain best which traps were drawn on maps with a depth.

    Parameters
    ----------
    data : tuple[str, ...]
        Maps or folders of maps; those without a depth or without drawn traps are left out.
    out : Path, default Path('rules.yaml')
        File for the rules, which train, predict, evaluate, closures and check_data take with --rules. Where map.yaml
        names several interpreters, the rules of each are written beside it as NAME_INTERPRETER.yaml.
    interpreter : str | None, default None
        Only the maps that this interpreter drew, as their map.yaml says.
    pictures : int, default 4
        Number of the maps that fit worst of which a picture is drawn, in a folder beside the file.
    """
    with importing():
        from targets.check.drawn_rules import fit_by_interpreter, fit_drawn_rules, read_drawn_maps
        from targets.check.report import draw_worst_maps
        from targets.io.describe import report_maps

    if out.suffix.lower() not in (".yaml", ".yml"):
        raise UserError("--out", f"{out}", "a file NAME.yaml")
    sources = report_maps(data, reading)
    maps = read_drawn_maps(sources, reading, workers)
    scenes = list(maps.scenes.values())
    if interpreter is not None:
        known = sorted({scene.provenance.interpreter for scene in scenes if scene.provenance} - {""})
        scenes = [s for s in scenes if s.provenance is not None and s.provenance.interpreter == interpreter]
        if not scenes:
            raise UserError("--interpreter", interpreter, f"one of {', '.join(known) or 'none: no map.yaml names any'}")
    fitted = fit_drawn_rules(scenes)
    if fitted is None:
        if not scenes:
            raise_all(maps.failed)
        found = (
            "no trap is drawn on any map" if scenes else f"none of {len(sources)} map(s) has a depth and drawn traps"
        )
        raise UserError(", ".join(data), found, "maps with a depth on which traps are drawn",
                        "draw them with tools/review.py; see docs/reference/map_folders.md")  # fmt: skip
    print(fitted.sentence())
    for doubt in fitted.doubts:
        print(f"- {doubt}")
    fitted.save(out)
    print(f"rules: {out}")
    for name, theirs in fit_by_interpreter(scenes).items():
        path = out.with_stem(f"{out.stem}_" + re.sub(r"[^\w-]+", "_", name))
        theirs.save(path)
        print(f"{name}: {theirs.sentence()}\nrules: {path}")
    folder = out.with_name(f"{out.stem}_worst_maps")
    for path in draw_worst_maps(scenes, fitted, folder, pictures):
        print(f"look at {path} (IoU {fitted.iou[path.stem]:.2f})")
    raise_all(maps.failed)


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args)
