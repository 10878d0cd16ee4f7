"""Every thing that is predicted; a new one is its module and its line here."""

from collections.abc import Mapping

from models.targets.churn import CHURN
from models.targets.target import Target
from models.targets.value import VALUE
from models.targets.vip import VIP

TARGETS: Mapping[str, Target] = {target.name: target for target in (CHURN, VALUE, VIP)}
"""By name, in the order in which they are trained, scored and shown."""
