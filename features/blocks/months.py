"""Calendar months as numbers, and which of them are closed at an as-of date."""

import ibis
import ibis.expr.types as ir

from features.settings import FeatureSettings


def month(day: ir.DateValue) -> ir.IntegerValue:
    """Months since year 0: those of two days can be subtracted."""
    return day.year().cast("int64") * 12 + day.month()


def newest_closed(as_of: ir.DateValue, settings: FeatureSettings) -> ir.IntegerValue:
    """The newest calendar month whose bills must be known before the cutoff."""
    return month(as_of - ibis.interval(days=settings.closing_days + settings.billed_in_arrears)) - 1
