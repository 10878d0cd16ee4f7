"""Who may compete for a target. Declarations only: what learns is reached when a model is made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A model that competes: a learner of its own, or the mean of its members.

    Attributes
    ----------
    name
        As in configurations and tables.
    learner
        Name of its learner in `models.candidates.LEARNERS`; empty for a blend.
    members
        Names of the candidates that a blend is the mean of; they must compete too.
    by_value
        Learns the expected value, and ranks a yes/no target by it.
    by_period
        Learns the time to the event, also from dates that have shown only a part of their outcome; competes where a target
        has several horizons.
    aside_for
        Name of the candidate for which it stands aside, unless a configuration names who competes.
    """

    name: str
    learner: str = ""
    members: tuple[str, ...] = ()
    by_value: bool = False
    by_period: bool = False
    aside_for: str = ""


LINEAR = Candidate("linear", "linear")
TREES = Candidate("trees", "trees", aside_for="hazard")
HAZARD = Candidate("hazard", "hazard", by_period=True)
HAZARD_BLEND = Candidate("hazard_blend", members=("linear", "hazard"), by_period=True)
BLEND = Candidate("blend", members=("linear", "trees"), aside_for="hazard")
VALUE_LINEAR = Candidate("value_linear", "linear", by_value=True)
VALUE_TREES = Candidate("value_trees", "trees", by_value=True)
VALUE_BLEND = Candidate("value_blend", members=("value_linear", "value_trees"))
HURDLE = Candidate("hurdle", "hurdle")
HURDLE_GAMMA = Candidate("hurdle_gamma", "hurdle_gamma")
HURDLE_BLEND = Candidate("hurdle_blend", members=("trees", "hurdle"))
BG_NBD = Candidate("bg_nbd", "bg_nbd")
BG_NBD_BLEND = Candidate("bg_nbd_blend", members=("bg_nbd", "trees"))
VALUE_BG_NBD = Candidate("value_bg_nbd", "bg_nbd", by_value=True)
VALUE_BG_NBD_BLEND = Candidate("value_bg_nbd_blend", members=("value_bg_nbd", "value_trees"))
RULE = Candidate("rule", "rule")
"""The rule of today competes for every target, and is no model."""
