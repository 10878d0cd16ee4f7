"""What a run says, for people: a table, a picture, and their place in docs/performance.md.

`python -m benchmarks.page workspace/bench.json --docs` writes both into the page again without measuring.
"""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bars import LEFT_OUT, Line
from benchmarks.measure import ROOT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE = ROOT / "docs/performance.md"
BEGIN, END = "<!-- bench {customers} -->", "<!-- /bench {customers} -->"
LAST = "<!-- /benches -->"
"""New sizes are put before this mark."""
WAYS = {
    "subset by us": "Headwater", "subset by SQL by hand": "SQL by hand", "subset by Polars": "Polars, streaming",
    "subset by pandas": "pandas", "subset by SQL by hand from raw files": "SQL by hand from raw files",
    "raw scan": "raw scan of all that the catalogue needs",
}  # fmt: skip
OURS = "Headwater"


def table(lines: Sequence[Line]) -> str:
    """Markdown, so that a page can quote it."""
    words = {True: "yes", False: "**NO**", None: "-"}
    rows = [
        f"| {n.name} | {n.customers:,} | {_figure(n)} | {n.unit} | {n.bar or '-'} | {words[n.met]} |" for n in lines
    ]
    return "\n".join(["| measured | customers | value | unit | bar | met |", "|---|--:|--:|---|---|---|", *rows])


def _figure(line: Line) -> str:
    """Three figures; whole numbers as they are."""
    if line.value is None:
        return "-"
    return f"{line.value:,.0f}" if line.value >= 1000 else f"{line.value:.3g}"


def section(lines: Sequence[Line], picture: str) -> str:
    """The bars first; the costs behind them can be unfolded. What was not asked for is named, and fills no rows."""
    customers = _most(lines)
    asked = [line for line in lines if LEFT_OUT not in line.unit]
    barred = [line for line in asked if line.bar]
    left = "; ".join(line.name for line in lines if line.bar and line not in asked)
    missed = sum(line.met is False for line in barred)
    told = sum(line.met is not None for line in barred)
    head = f"## {customers:,} customers\n\n{told - missed} of {told} bars that this run can tell are met.\n\n"
    parts = [table(barred)]
    if left:
        parts.append(f"Bars that this run left out: {left}.")
    if len(_values(lines, "CPU")) > 1:
        parts.append(f"![CPU and peaks of the subset by every way, {customers:,} customers]({picture})")
    rest = table([line for line in asked if not line.bar])
    parts.append(f"<details><summary>The figures behind them</summary>\n\n{rest}\n\n</details>")
    return head + "\n\n".join(parts)


def _most(lines: Sequence[Line]) -> int:
    return max(line.customers for line in lines)


def inserted(page: str, customers: int, text: str) -> str:
    """The page with the section of this size renewed, or put behind those that are there."""
    begin, end = BEGIN.format(customers=customers), END.format(customers=customers)
    block = f"{begin}\n{text}\n{end}"
    if begin in page:
        return re.sub(f"{begin}.*?{end}", lambda _: block, page, flags=re.DOTALL)
    return page.replace(LAST, f"{block}\n\n{LAST}")


def picture(lines: Sequence[Line]) -> str:
    """CPU against SQL by hand, and peaks, of every way to the same features, as SVG."""
    from matplotlib.figure import Figure

    from pipelines.delivery.charts import styled, svg

    @styled
    def drawn() -> Figure:
        drawing = Figure(figsize=(9.0, 3.2), layout="constrained")
        left, right = drawing.subplots(1, 2, sharey=True)
        base = _values(lines, "CPU").get("SQL by hand", 1.0)
        _bars(left, {way: seconds / base for way, seconds in _values(lines, "CPU").items()}, "CPU, SQL by hand = 1")
        _bars(right, _values(lines, "peak"), "peak of the process, GB")
        return drawing

    customers = _most(lines)
    return svg(drawn(), f"bench-{customers}", f"CPU and peaks, {customers:,} customers")


def _values(lines: Sequence[Line], what: str) -> dict[str, float]:
    found = {line.name: line.value for line in lines}
    return {way: value for name, way in WAYS.items() if (value := found.get(f"{name}: {what}")) is not None}


def _bars(axes: "Axes", sizes: dict[str, float], label: str) -> None:
    from pipelines.delivery.charts import OTHERS, RULE, SOFT, WINNER

    colours = [WINNER if way == OURS else RULE if way.startswith("raw") else OTHERS[0] for way in sizes]
    drawn = axes.barh(list(sizes), list(sizes.values()), color=colours, height=0.62)
    axes.bar_label(drawn, [f"{size:.2g}" for size in sizes.values()], fontsize=10, color=SOFT, padding=3)
    axes.set_xlabel(label)
    axes.set_xlim(0, max(sizes.values(), default=1) * 1.15)
    axes.invert_yaxis() if not axes.yaxis_inverted() else None
    axes.grid(axis="y", visible=False)


def _loaded(path: Path) -> list[Line]:
    return [Line(**line) for line in json.loads(path.read_text(encoding="utf-8"))]


def main() -> None:
    """Draw the picture of a run, and with --docs write its page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path, help="what a run has written")
    parser.add_argument("--docs", action="store_true")
    chosen = parser.parse_args()
    lines = _loaded(chosen.bench)
    drawn = picture(lines)
    chosen.bench.with_suffix(".svg").write_text(drawn + "\n", encoding="utf-8")
    if chosen.docs:
        name = f"performance-{_most(lines)}.svg"
        if len(_values(lines, "CPU")) > 1:
            PAGE.with_name(name).write_text(drawn + "\n", encoding="utf-8")
        text = inserted(PAGE.read_text(encoding="utf-8"), _most(lines), section(lines, name))
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
