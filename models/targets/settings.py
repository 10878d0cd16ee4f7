"""How the targets are defined in one configuration: a section for each."""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from features.strict import with_fields
from models.targets.registry import TARGETS
from models.targets.target import Definition

_sections: Any = with_fields(
    {t.name: (t.definition, Field(t.definition(), description=f"definition of {t.name}")) for t in TARGETS.values()}
)


class TargetSettings(_sections):
    """A section for every target of the registry."""

    if TYPE_CHECKING:

        def __getattr__(self, target: str) -> Any: ...

    def of(self, target: str) -> Definition:
        """The definition of one target."""
        definition: Definition = getattr(self, target)
        return definition

    @property
    def longest(self) -> int:
        """Days of the longest window with its gap."""
        return max(self.of(target).window_days for target in TARGETS)
