"""The one kind of settings of the whole repository."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Values only, which nobody changes; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
