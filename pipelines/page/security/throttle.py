"""How often somebody may try to log in: a few wrong passwords per name, some more for all names together."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable

WITHIN = 900.0
"""Seconds for which a failure counts."""
PER_NAME, FOR_ALL = 5, 50
"""Failures after which no further try is looked at until one of them is old."""


class Throttle:
    """Failures to log in, by name."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock, self._lock = clock, threading.Lock()
        self._failed: dict[str, deque[float]] = defaultdict(deque)
        self._all: deque[float] = deque()

    def wait(self, name: str) -> float:
        """Seconds until the next try of a name is looked at; 0 where it is now."""
        with self._lock:
            self._forget()
            own = self._failed.get(name, deque())
            return max(self._until(own, PER_NAME), self._until(self._all, FOR_ALL))

    def failed(self, name: str) -> None:
        """A wrong password, or a name that nobody has."""
        with self._lock:
            now = self._clock()
            self._failed[name].append(now)
            self._all.append(now)

    def succeeded(self, name: str) -> None:
        """The failures of this name are forgotten."""
        with self._lock:
            self._failed.pop(name, None)

    def _until(self, failures: deque[float], most: int) -> float:
        if len(failures) < most:
            return 0.0
        return failures[-most] + WITHIN - self._clock()

    def _forget(self) -> None:
        """Failures that are old, and names without others: what is kept is bounded by `FOR_ALL`."""
        oldest = self._clock() - WITHIN
        for failures in [self._all, *self._failed.values()]:
            while failures and failures[0] <= oldest:
                failures.popleft()
        for name in [name for name, failures in self._failed.items() if not failures]:
            del self._failed[name]
