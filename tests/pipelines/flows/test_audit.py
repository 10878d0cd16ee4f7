"""Figures of features, and which of them tell the outcome; whole audits are in `config/test_own_features`."""

from datetime import date

import numpy as np
import pandas as pd

from features.catalogue import catalogue
from models.evaluation.leaks import LIMIT
from pipelines.flows import audit
from pipelines.flows.audit import Audit

FEATURES = catalogue(("data_mb",))


def test_figures_are_those_of_each_column():
    number, text = (next(f for f in FEATURES if (f.unit == "text") == words) for words in (False, True))
    wide = pd.DataFrame({number.column: [1.0, 5.0, np.nan, 3.0], text.column: ["a", "a", None, "b"]})
    figures = audit._figures(wide, [number, text])
    assert figures.loc[number.column].tolist() == [0.25, 3, 1.0, 3.0, 5.0]
    assert figures.loc[text.column, ["nulls", "distinct"]].tolist() == [0.25, 2]
    assert figures.loc[text.column, ["min", "max"]].isna().all()


def test_a_feature_beyond_the_limit_is_a_leak():
    figures = pd.DataFrame({"auc": {"a": LIMIT + 0.001, "b": LIMIT, "c": np.nan}})
    assert list(Audit(date(2026, 1, 1), 3, figures, ()).leaks.index) == ["a"]
