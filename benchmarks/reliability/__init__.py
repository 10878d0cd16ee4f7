"""Does a workspace keep its promises when things go wrong? Each part tries one kind of fault, and replays from its seed.

`crashes` makes every state that a power failure may leave, `faults` lets each call to the disk fail in turn; `acts` are
what both are tried on. Tests use the same parts in a small size; `python -m benchmarks.reliability` runs them in full.
"""
