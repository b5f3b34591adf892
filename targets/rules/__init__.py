"""Rules of an interpreter: the criteria of traps that explain best what somebody drew on maps with a depth.

`fit_rules` searches them exactly and without a network, `load_rules` reads those that a file holds.
"""

from targets.rules.fit import fit_rules
from targets.rules.fitted_rules import FittedRules, load_rules

__all__ = ["FittedRules", "fit_rules", "load_rules"]
