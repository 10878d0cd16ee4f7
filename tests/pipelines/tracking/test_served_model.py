"""A registered model as MLflow loads it says what the estimator says."""

from types import SimpleNamespace

import pandas as pd

from models.training import train
from pipelines.tracking.served_model import BundledModel
from tests.models import sample


def test_a_bundle_is_loaded_from_its_texts(tmp_path):
    frame = sample.snapshots(400)
    model = train("churn", frame, sample.split(), sample.SETTINGS, sample.FEATURES).model
    for name, text in model.to_files().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    served = BundledModel()
    served.load_context(SimpleNamespace(artifacts={"bundle": str(tmp_path)}))
    rows = frame[list(sample.FEATURES)].head(50)
    pd.testing.assert_frame_equal(served.predict(None, rows), model.outputs(rows))
