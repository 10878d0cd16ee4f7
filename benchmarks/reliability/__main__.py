"""Run the parts, one after the other, each in a folder of its own; tell every figure beside its bar.

The table goes to the terminal, the list of {name, value, bar, met} to workspace/reliability.json. Ends with 1 where a bar
is not met. What is drawn comes from the seed, and a failure says how to have it again.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import ROOT
from benchmarks.reliability.figures import Figure, line, write
from benchmarks.reliability.parts import PARTS, Asked

OUT = Path("workspace/reliability.json")


def run(names: list[str], seed: int, share: float, place: Path | None, operator: Path | None = None) -> list[Figure]:
    """The figures of some parts, told as they come."""
    figures = []
    for name in names:
        begun = time.perf_counter()
        print(f"{name} (seed {seed}, {share:g} of the full size)", flush=True)
        with tempfile.TemporaryDirectory(prefix="headwater-reliability-", dir=place) as folder:
            for figure in PARTS[name](Asked(Path(folder).resolve(), seed, share, operator)):
                print(f"  {line(figure)}", flush=True)
                figures.append(figure)
        print(f"  {time.perf_counter() - begun:.0f} s", flush=True)
    return figures


def main() -> int:
    """Run what is asked for; 1 where a bar is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all when left out")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    parser.add_argument("--share", type=float, default=1.0, help="of the full size, such as 0.1")
    parser.add_argument("--place", type=Path, help="the folder in which temporary ones are made")
    parser.add_argument("--operator", type=Path, help="a small operator that is built already")
    parser.add_argument("--out", type=Path, default=ROOT / OUT, help="the JSON file")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    figures = run(asked.parts or list(PARTS), asked.seed, asked.share, asked.place, asked.operator)
    write(figures, asked.out)
    print(asked.out)
    return int(any(figure.met is False for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
