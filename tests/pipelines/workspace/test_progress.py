"""How far a long step is, and how long it will take."""

import io

from rich.console import Console

from pipelines.workspace.progress import Steps


def test_each_count_of_a_step_begins_where_the_one_before_ended(monkeypatch):
    """Two passes of two minutes: after the first half of the second, one minute is left, not three."""
    now = [0.0]
    monkeypatch.setattr("pipelines.workspace.progress.perf_counter", lambda: now[0])
    steps, out = Steps("en"), io.StringIO()
    steps.console = Console(file=out, width=200)
    with steps.step("features"):
        for minute, (done, of) in enumerate([(1, 2), (2, 2), (1, 2), (2, 2)], start=1):
            now[0] = 60.0 * minute
            steps.progress(done, of)
    first, second, _ = out.getvalue().splitlines()
    assert first == second and "1 of 2" in first
