"""A registered model as MLflow loads it in a notebook: the same text and JSON as everywhere, never a pickle.

MLflow runs this file when it loads a model (models from code); nightly scoring never does.
"""

from pathlib import Path

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel

from models.estimators.bundle import from_files


class BundledModel(PythonModel):
    """Everything that the bundle logged beside it says of each row, one column per output."""

    def load_context(self, context):
        folder = Path(context.artifacts["bundle"])
        self.model = from_files({path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()})

    def predict(self, context, model_input: pd.DataFrame, params=None) -> pd.DataFrame:
        return self.model.outputs(model_input)


mlflow.models.set_model(BundledModel())
