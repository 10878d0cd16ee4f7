"""What one column of the score table is: type, unit, words, and whether it may be null."""

from dataclasses import dataclass

import pyarrow as pa

ENUM = pa.dictionary(pa.int32(), pa.string())  # int32, because Parquet readers give every dictionary back as int32
MONEY = pa.decimal128(12, 2)
REASON_FIELDS = {
    "code": pa.string(),
    "rank": pa.int8(),
    "direction": pa.int8(),
    "contribution": pa.float32(),
    "feature": pa.string(),
    "value": pa.string(),
    "peer_value": pa.string(),
}

# "element" is the name that Parquet gives to the values of a list; another name would not survive the file.
REASONS = pa.list_(pa.field("element", pa.struct(list(REASON_FIELDS.items()))))
CURVE = pa.list_(pa.field("element", pa.struct([("days", pa.int16()), ("probability", pa.float32())])))
FLAGS = pa.list_(pa.field("element", pa.string()))


@dataclass(frozen=True)
class ScoreColumn:
    """One column: Arrow type, words, unit, whether it may be null, and whether only `ok` rows may have it."""

    name: str
    dtype: pa.DataType
    en: str
    zh: str
    unit: str = ""
    needed: bool = False
    model_output: bool = False
    values: tuple[str, ...] = ()

    @property
    def is_probability(self) -> bool:
        return self.unit == "probability"

    @property
    def field(self) -> pa.Field:
        words = {"label_zh": self.zh, "label_en": self.en, "unit": self.unit}
        return pa.field(self.name, self.dtype, nullable=not self.needed, metadata=words)
