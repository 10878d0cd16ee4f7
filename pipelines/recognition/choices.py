"""What was found or answered about a folder, as far as its mapping needs it."""

from dataclasses import dataclass, field
from typing import Any

from pipelines.wording.texts import text


@dataclass
class Choices:
    """What was found or answered, as far as a mapping needs it.

    Attributes
    ----------
    lang
        Of the comments.
    currency, timezone
        ISO 4217, and a name of the IANA.
    left_codes
        Values of the status that say that somebody has left.
    minor
        Column -> is its money in hundredths?
    discount_apart
        Is the discount of a bill still to be taken off?
    shapes
        Column -> the shape of its dates, where a person had to say it.
    folds
        One table with a yes or no and without dates: everything else in it is known of customers.
    derived
        Customers are made of their purchases although there is a table of them: it has no first day.
    at_once
        Purchases are known when they are made.
    once
        Exact copies of lines of invoices are one line.
    month
        Customers are a series of months: which month a row is of.
    permits
        A column of customers says who may be contacted.
    """

    lang: str
    currency: str
    timezone: str
    left_codes: tuple[str, ...] = ()
    minor: dict[str, bool] = field(default_factory=dict)
    discount_apart: bool = False
    shapes: dict[str, str] = field(default_factory=dict)
    folds: bool = False
    derived: bool = False
    at_once: bool = False
    once: bool = True
    month: dict[str, str] | None = None
    permits: bool = False

    def why(self, key: str, **values: Any) -> str:
        """A comment."""
        return text(f"init.why.{key}", self.lang, **values)
