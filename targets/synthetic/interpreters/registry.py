"""Interpreters by name, who draw traps on generated maps and on real surfaces: a benchmark of what rules explain.

Six follow a rule, and draw it with an unsteady hand. What two others draw follows from no rule of closures: polygons by
eye, and mistakes. No habit that is held out was looked at while methods that learn from drawn traps were built.
"""

from dataclasses import dataclass, replace

import numpy as np

from targets.errors import UserError
from targets.scene import Bool, Provenance, Scene
from targets.synthetic.interpreters.habits import Habit, label_traps
from targets.synthetic.interpreters.hand import Hand, draw_outlines, draw_polygons, draw_with_mistakes


@dataclass(frozen=True)
class Interpreter:
    """One interpreter.

    Attributes
    ----------
    name : str
        As options and ``map.yaml`` spell it.
    text : str
        One sentence on what is drawn.
    habit : Habit
        Which closures are taken for traps.
    hand : Hand, default draw_outlines
        How they are drawn.
    held_out : bool, default False
        Kept from building, and reported by itself.
    """

    name: str
    text: str
    habit: Habit
    hand: Hand = draw_outlines
    held_out: bool = False

    @property
    def follows_rule(self) -> bool:
        """Whether all that is drawn follows from the habit, but for an unsteady hand."""
        return self.hand is draw_outlines

    def draw(self, scene: Scene, rng: np.random.Generator) -> Bool:
        """Draw the traps of a map.

        Parameters
        ----------
        scene : Scene
            A map with a depth.
        rng : np.random.Generator
            Decides how the hand strays and errs.

        Returns
        -------
        (H, W) bool
            Inside the map.

        Raises
        ------
        UserError
            The map has no depth.
        """
        depth = scene.depth if scene.true_depth is None else scene.true_depth
        return self.hand(label_traps(scene, self.habit), depth, rng) & scene.map_valid


INTERPRETERS = {
    interpreter.name: interpreter
    for interpreter in (
        Interpreter(
            "contours",
            "Outlines the last closed contour of every 10 m, whatever faults there are.",
            Habit(interval=10.0),
        ),
        Interpreter("sealing", "Lets faults seal, and fills traps to their spill point.", Habit(faults="sealing")),
        Interpreter(
            "leaking",
            "Lets faults leak, and fills traps to their spill point.",
            Habit(faults="leaking"),
        ),
        Interpreter(
            "culminations",
            "Outlines each culmination by itself, down to the saddle between them.",
            Habit(apart=True),
            held_out=True,
        ),
        Interpreter(
            "large",
            "Takes only traps of at least 300 cells and 8 % of the map's relief, around all their culminations.",
            Habit(min_area=300, min_relief=0.08),
        ),
        Interpreter(
            "three_way",
            "Takes only closures against faults, which seal, to the last closed contour of every 25 m from 5 m.",
            Habit(interval=25.0, base=5.0, faults="sealing", against_faults=True),
            held_out=True,
        ),
        Interpreter(
            "polygons",
            "Draws polygons of 8 to 20 corners by eye, within 2 to 4 cells of the outline.",
            Habit(min_area=100),
            hand=draw_polygons,
        ),
        Interpreter(
            "mistakes",
            "Misses one trap in ten, invents one in twenty, and ends the largest at a well.",
            Habit(),
            hand=draw_with_mistakes,
        ),
    )
}


def find_interpreter(name: str) -> Interpreter:
    """Find an interpreter by name.

    Raises
    ------
    UserError
        There is none of this name; the message lists them.

    Examples
    --------
    >>> find_interpreter("sealing").text
    'Lets faults seal, and fills traps to their spill point.'
    """
    if name not in INTERPRETERS:
        raise UserError("--interpreter", repr(name), f"one of {', '.join(INTERPRETERS)}")
    return INTERPRETERS[name]


def with_drawn_traps(scene: Scene, name: str, seed: int) -> Scene:
    """Let an interpreter draw the traps of a map, in place of any that it has.

    Parameters
    ----------
    scene : Scene
        A map with a depth.
    name : str
        A key of `INTERPRETERS`.
    seed : int
        0 or more. The same seed, interpreter and name of the map give the same drawing.

    Returns
    -------
    Scene
        Its provenance names the interpreter.

    Raises
    ------
    UserError
        There is no such interpreter, or the map has no depth.

    Examples
    --------
    >>> from targets.synthetic.structure_maps import make_structure_map
    >>> scene = with_drawn_traps(make_structure_map(seed=21, size=64), "sealing", seed=0)
    >>> scene.traps.shape, scene.provenance.interpreter
    ((64, 64), 'sealing')
    """
    rng = np.random.default_rng([seed, *scene.name.encode(), *name.encode()])
    traps = find_interpreter(name).draw(scene, rng)
    known = scene.provenance or Provenance(scene.name, "map")
    return scene.replace(traps=traps, provenance=replace(known, interpreter=name))
