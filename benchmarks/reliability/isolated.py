"""Work in a process of its own that may die or hang: it writes down what it is about to try, and at the end what it found."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT


class Died(Exception):
    """The process ended badly; the text says how, and at what."""


def told(words: Sequence[str], out: Path, patience: float) -> dict[str, Any]:
    """What a module found.

    Parameters
    ----------
    words
        The module, and what it gets; `--out` is added.
    out
        Where it leaves what it found.
    patience
        Seconds after which it hangs.

    Raises
    ------
    Died
        For a process that was killed, that failed or hung.
    """
    command, around = [sys.executable, "-m", *words, "--out", str(out)], os.environ | {"PYTHONPATH": _path()}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=around, timeout=patience, capture_output=True, text=True, check=False
        )
        why = f"exit {done.returncode} {done.stderr[-300:]}" if done.returncode else ""
    except subprocess.TimeoutExpired:
        why = f"hangs for {patience:g} s"
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {"about": "its beginning"}
    if why:
        raise Died(f"{found.get('about')}: {why}")
    return found


def _path() -> str:
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


def about(out: Path) -> Callable[[str], None]:
    """Writes down what is about to be tried."""
    return lambda what: out.write_text(json.dumps({"about": what}), encoding="utf-8") and None
