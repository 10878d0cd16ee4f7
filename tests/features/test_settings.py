"""Settings refuse what they do not know, and cannot be changed once made."""

import pytest
from pydantic import ValidationError

from features.settings import FeatureSettings, StageSettings, WindowSettings


@pytest.mark.parametrize(
    "wrong",
    [
        {"closing_days": -1},
        {"closing": 5},
        {"usage_closing_days": -1},
        {"stages": {"trend": 0}},
        {"stages": {"spike": 1}},
        {"stages": {"dormant": 45}},
        {"windows": {"bills": [0]}},
        {"windows": {"usage": [183]}},
        {"windows": {"usage": [10]}, "usage_grain": "week"},
    ],
)
def test_wrong_settings_are_refused(wrong: dict):
    with pytest.raises(ValidationError):
        FeatureSettings.model_validate(wrong)


def test_settings_are_frozen_and_explained():
    settings = FeatureSettings()
    with pytest.raises(ValidationError):
        settings.closing_days = 3  # type: ignore[misc]
    for model in (FeatureSettings, StageSettings, WindowSettings):
        described = [f.description for name, f in model.model_fields.items() if name not in ("stages", "windows")]
        assert all(described)
