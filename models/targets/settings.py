"""How the targets are defined in one configuration: a section for each."""

from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from features.strict import with_fields
from models.targets.registry import TARGETS
from models.targets.target import Definition

_sections: Any = with_fields(
    {t.name: (t.definition, Field(t.definition(), description=f"definition of {t.name}")) for t in TARGETS.values()}
)


class TargetSettings(_sections):
    """A section for every target of the registry; null for one that is not predicted."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_not_predicted(cls, sections: Any) -> Any:
        """`value: null` is short for `value: {enabled: false}`."""
        if not isinstance(sections, dict):
            return sections
        return {name: {"enabled": False} if section is None else section for name, section in sections.items()}

    if TYPE_CHECKING:

        def __getattr__(self, target: str) -> Any: ...

    def of(self, target: str) -> Definition:
        """The definition of one target."""
        definition: Definition = getattr(self, target)
        return definition

    @property
    def longest(self) -> int:
        """Days of the longest window with its gap, among the targets that are predicted."""
        predicted = [self.of(target) for target in TARGETS if self.of(target).enabled]
        return max((target.window_days for target in predicted), default=0)
