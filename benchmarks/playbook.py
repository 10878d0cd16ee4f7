"""What it costs to give everybody an action: `python -m benchmarks.playbook --customers 1000000`.

A sample of scores is repeated; conditions are looked at in chunks, as a night does, and quotas are filled among everybody.
"""

import argparse
import resource
import time

import numpy as np
import pandas as pd
import pyarrow as pa

from models.scores.score_column import REASONS
from targeting.actions import choose, in_words, matches, money_of
from targeting.default_playbook import PLAYBOOK
from tests.scores_sample import sample_frame

CHUNK = 100_000
REASON_COLUMNS = ("churn_reasons", "vip_reasons")


def chunk(rows: int) -> tuple[pd.DataFrame, dict[str, pa.Array]]:
    """Rows of a score table, and their reasons as Arrow has them."""
    sample = sample_frame(2_000)
    frame = pd.concat([sample] * -(-rows // len(sample)), ignore_index=True).head(rows)
    reasons = {name: pa.array(frame[name].tolist(), REASONS) for name in REASON_COLUMNS}
    return frame.drop(columns=list(REASON_COLUMNS)), reasons


def main() -> None:
    """Print seconds and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    customers = parser.parse_args().customers
    frame, reasons = chunk(min(CHUNK, customers))
    before = _megabytes()
    start = time.perf_counter()
    masks, money = [], []
    for _ in range(-(-customers // len(frame))):
        masks.append(matches(frame, reasons, PLAYBOOK, unasked=False))
        money.append(money_of(frame))
    looked = time.perf_counter()
    chosen = choose(np.concatenate(masks), pd.concat(money, ignore_index=True), PLAYBOOK)
    done = time.perf_counter()
    in_words(chosen.part(0, len(frame)), frame, PLAYBOOK)
    worded = (time.perf_counter() - done) * len(masks)
    print(
        f"{customers:,} customers, {len(PLAYBOOK)} rules: conditions {looked - start:.1f} s, choice {done - looked:.1f} s, "
    )
    print(f"columns {worded:.1f} s; {_megabytes() - before:,.0f} MB more at the peak")


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
