"""The playbook of a project."""

from pydantic import Field, model_validator

from features.strict import Strict
from targeting.default_playbook import PLAYBOOK
from targeting.playbook import Action, flaw


class ActionSettings(Strict):
    """Rules tried from first to last; each customer is given the action of the first that holds and has room. Recovery of an open
    complaint goes before all others; an action that sells is for nobody whose complaint is open or who has not consented."""

    playbook: tuple[Action, ...] = Field(
        PLAYBOOK, description="a YAML file beside this one with the key `playbook`, or the rules themselves"
    )

    @model_validator(mode="after")
    def _for_everybody(self):
        if found := flaw(self.playbook):
            raise found
        return self
