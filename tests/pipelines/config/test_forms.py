"""Forms of columns: made in one way."""

import pytest
from pydantic import ValidationError

from pipelines.config.forms import Form


@pytest.mark.parametrize(
    "form",
    [{}, {"from": "a", "value": "b"}, {"from": "a", "other": "x"}, {"expr": "1 +"}, {"from": "a", "add": "soon"}],
)
def test_columns_made_in_no_way_or_in_two_are_refused(form):
    with pytest.raises(ValidationError):
        Form(**form)
