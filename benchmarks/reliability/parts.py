"""The parts of a run: each tries one kind of fault, and tells how much was tried and how much of it went wrong."""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.reliability import crashes, damage, faults, nights
from benchmarks.reliability.acts import ACTS
from benchmarks.reliability.figures import Figure


@dataclass(frozen=True)
class Asked:
    """How a part is to be run.

    Attributes
    ----------
    folder
        An empty one, to work in.
    seed
        Of what is drawn.
    share
        Of the full size; 1 for all of it.
    built
        An operator that is there already, as `demo_project.built` makes it; nobody writes to it.
    """

    folder: Path
    seed: int = 0
    share: float = 1.0
    built: Path | None = None

    @cached_property
    def operator(self) -> Path:
        """The folder of a small simulated operator with trained champions and one published night."""
        if self.built:
            return self.built
        from tests import demo_project  # the operator of the tests; it imports the whole product

        folder = self.folder / "operator"
        folder.mkdir()
        with chdir(folder):
            return demo_project.built(folder)

    def count(self, full: int) -> int:
        """So many of what the full size has so many of."""
        return max(1, round(full * self.share))


def power_failures(asked: Asked) -> Iterator[Figure]:
    """Every state that a power failure may leave of publishing, promoting, registering; done again, and failing again."""
    most_open, states, distinct, wrong = (10 if asked.share >= 1 else 5), 0, 0, list[str]()
    for number, act in enumerate(ACTS):
        found = crashes.walked(act, asked.folder / str(number), again=1, most_open=most_open)
        states, distinct, wrong = states + found.states, distinct + found.distinct, wrong + found.wrong
    yield Figure("crash states of publish, promote, register", states, least=100_000 if asked.share >= 1 else None)
    yield Figure("crash states that differ, each read, the act done again from it", distinct)
    yield Figure("crash states neither old nor new, or no way on from them", len(wrong), most=0, failures=wrong)


FULL_STEP = 12
"""Of the calls to disk and store in registering, the full size lets each so many-th fail with each code: a call takes a second."""


def failing_calls(asked: Asked) -> Iterator[Figure]:
    """Every call to the disk of publishing, promoting, registering fails in turn, and statements of the store."""
    from benchmarks.reliability import store_acts  # imports the tracking store

    tries, wrong = 0, list[str]()
    with quiet(), store_acts.impatient():
        for number, act in enumerate((*ACTS, *store_acts.STORE_ACTS)):
            step = FULL_STEP if act in store_acts.STORE_ACTS else 1
            found = faults.tried(act, asked.folder / str(number), step=max(1, round(step / asked.share)))
            tries, wrong = tries + found.tries, wrong + found.wrong
            shutil.rmtree(asked.folder / str(number))
    yield Figure("failing calls to disk and store: tries", tries)
    yield Figure("failing calls: what was told was not so", len(wrong), most=0, failures=wrong)


FLIPS = 1_000


def damaged_files(asked: Asked) -> Iterator[Figure]:
    """Bits are flipped in score files, champions, stored tables; hostile models are put in force by hand."""
    workspace = asked.folder / "damaged" / "operator"
    shutil.copytree(asked.operator / "workspace" / "operator", workspace, symlinks=True)
    for kind in damage.KINDS:
        found = damage.apart(workspace, kind, asked.count(FLIPS), asked.seed)
        yield Figure(f"{kind}: flipped bits", found.tries, least=FLIPS if asked.share >= 1 else None)
        yield Figure(f"{kind}: flipped bits accepted", len(found.accepted), most=0, failures=found.accepted)
        yield Figure(
            f"{kind}: flipped bits that ended otherwise than refused", len(found.wrong), most=0, failures=found.wrong
        )
    found = damage.apart(workspace, "hostile", 0, asked.seed)
    yield Figure("hostile models", found.tries, least=8)
    bad = found.accepted + found.wrong
    yield Figure("hostile models run, accepted, or not refused as such", len(bad), most=0, failures=bad)


SPOILT, MUTATED, AT_ONCE = 300, 2_000, 200


def malformed_inputs(asked: Asked) -> Iterator[Figure]:
    """Inputs that are wrong in one way each must be refused with a place; changed bytes are refused or accounted for."""
    from benchmarks.reliability import fuzz  # needs the samples of the tests

    for kind, full, what in (("spoiled", SPOILT, "malformed inputs"), ("mutated", MUTATED, "fuzzed files")):
        count = len(list(fuzz.spoiled())) if kind == "spoiled" and asked.share >= 1 else asked.count(full)
        found = fuzz.Fuzzed()
        for first in range(0, count, AT_ONCE):
            part = fuzz.apart(kind, first, min(AT_ONCE, count - first), asked.seed, asked.folder)
            found.told.update(part.told)
            found.wrong += part.wrong
        yield Figure(what, found.tries, least=full if asked.share >= 1 else None)
        yield Figure(
            f"{what}: no clear message with a place, or a hang", len(found.wrong), most=0, failures=found.wrong
        )


KILLS, READS, STARTS, SMALL_DISK = 500, 5_000, 100, 160_000_000


def killed_nights(asked: Asked) -> Iterator[Figure]:
    """Whole nights are killed at random and at every named point, with a reader who never stops."""
    found = nights.killed(_own_operator(asked), asked.count(KILLS), asked.seed)
    full = asked.share >= 1
    yield Figure("kills of whole nights", found.kills, least=KILLS if full else None)
    yield Figure("kills that hit a night at work", found.hit)
    yield Figure("reads meanwhile", found.reads, least=READS if full else None)
    yield Figure("reads torn or mixed", len(found.torn), most=0, failures=found.torn)
    yield Figure("next runs that failed or gave other bytes", len(found.wrong), most=0, failures=found.wrong)


def double_starts(asked: Asked) -> Iterator[Figure]:
    """Two nights begin together: one publishes, the other leaves."""
    seconds, wrong = nights.started_twice(_own_operator(asked), asked.count(STARTS))
    yield Figure("double starts", asked.count(STARTS), least=STARTS if asked.share >= 1 else None)
    yield Figure(
        "double starts without exactly one publication, exit 6 in 2 s of CPU", len(wrong), most=0, failures=wrong
    )
    yield Figure(
        "slowest that left, seconds of CPU after its fork", max(seconds, default=0.0), most=nights.SECONDS_TO_LEAVE
    )


def full_disk(asked: Asked) -> Iterator[Figure]:
    """A real small disk without room, at four sizes of what is free, and then with room again."""
    with nights.small_disk(asked.folder / "disk", SMALL_DISK) as disk:
        shutil.copytree(asked.operator, disk / "operator", symlinks=True)
        wrong = list(nights.filled(disk / "operator"))
    yield Figure(
        "a full disk: readers without the last good scores, or no night afterwards", len(wrong), most=0, failures=wrong
    )


def _own_operator(asked: Asked) -> Path:
    return Path(shutil.copytree(asked.operator, asked.folder / "own", symlinks=True))


@contextmanager
def quiet() -> Iterator[None]:
    """Log nothing meanwhile: thousands of faults are expected to be logged."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


PARTS: dict[str, Callable[[Asked], Iterator[Figure]]] = {
    "calls": failing_calls,
    "crashes": power_failures,
    "damage": damaged_files,
    "inputs": malformed_inputs,
    "kills": killed_nights,
    "starts": double_starts,
    "disk": full_disk,
}
