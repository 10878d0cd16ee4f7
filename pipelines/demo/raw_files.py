"""Raw files of the demos in `data/<name>/raw`, made unless the very same are there already."""

from pathlib import Path

from pipelines.demo import samples
from pipelines.demo.simulator import simulate
from pipelines.workspace import files


def make(data: str, customers: int, seed: int) -> Path:
    """The folder of a demo's files; `customers` and `seed` count for the simulated operator only.

    Parameters
    ----------
    data
        Name of the demo set.
    customers
        How many the simulated operator has.
    seed
        Of the simulated operator.
    """
    folder = Path("data") / data
    marker, wanted = folder / "made.json", {"customers": customers, "seed": seed} if data == "operator" else {}
    if marker.exists() and marker.read_text(encoding="utf-8") == f"{wanted}\n":
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    marker.unlink(missing_ok=True)
    if data == "operator":
        simulate.simulate(folder / "raw", customers, seed)
    elif data == "cdnow":
        samples.write_cdnow(folder / "raw")
    else:
        samples.write_complete_journey(folder / "raw")
    files.write_text(marker, f"{wanted}\n")
    return folder
