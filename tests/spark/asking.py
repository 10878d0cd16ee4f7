"""The law suite's question put to Spark: blocks one after the other, as a night does it.

One plan for all blocks at once needs more memory than a test has.
"""

from collections.abc import Mapping, Sequence

import ibis
import pyarrow as pa

from features.build import join, parts
from features.definition import ROW, Feature
from features.settings import FeatureSettings
from tests.features.asking import Asker


class SparkAsker(Asker):
    def reads(self, table: str) -> bool:
        return True

    def answer(self) -> pa.Table:
        return made(self.con, self.tables, self.spine, self.features, self.settings)


def made(
    con: ibis.BaseBackend,
    tables: Mapping[str, ibis.Table],
    spine: ibis.Table,
    features: Sequence[Feature],
    settings: FeatureSettings,
) -> pa.Table:
    """The features of a spine on either engine, each block a table of its own."""
    blocks = {
        block: con.create_table(f"made_{block}", rows, temp=True, overwrite=True)
        for block, rows in parts(tables, spine, features, settings).items()
    }
    return con.to_pyarrow(join(spine, blocks, features, settings).drop(ROW))
