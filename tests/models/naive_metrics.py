"""Metrics once more, written from their definitions with loops."""

import numpy as np


def auc(y, score):
    pairs = [
        (p, n) for p, hit in zip(score, y, strict=True) if hit for n, other in zip(score, y, strict=True) if not other
    ]
    return sum(1.0 if p > n else 0.5 if p == n else 0.0 for p, n in pairs) / len(pairs)


def average_precision(y, score):
    total, before = 0.0, 0.0
    for line in sorted(set(score), reverse=True):
        chosen = [hit for hit, s in zip(y, score, strict=True) if s >= line]
        recall = sum(chosen) / sum(y)
        total += (recall - before) * sum(chosen) / len(chosen)
        before = recall
    return total


def top_sum(score, found, share):
    """Groups of equal score are taken one after the other, the last in proportion."""
    left, total = share * len(score), 0.0
    for line in sorted(set(score), reverse=True):
        group = [f for f, s in zip(found, score, strict=True) if s == line]
        take = min(left, len(group))
        total += sum(group) * take / len(group)
        left -= take
    return total


def precision_at(y, score, share):
    return top_sum(score, y, share) / (share * len(y))


def captured_at(value, score, share):
    return top_sum(score, value, share) / sum(value)


def gini(y, score):
    """Area between the captured share of money and the diagonal, by small steps."""
    steps = 3_000
    area = sum(top_sum(score, y, (i + 0.5) / steps) for i in range(steps)) / steps
    return area / sum(y) - 0.5


def ece(y, score):
    order = sorted(range(len(y)), key=lambda i: (score[i], i))
    bins = [[i for place, i in enumerate(order) if place * 10 // len(y) == b] for b in range(10)]
    return sum(abs(sum(y[i] - score[i] for i in b)) for b in bins) / len(y)


def weighted(y, score, counts):
    """The rows as often as they were drawn."""
    return np.repeat(y, counts), np.repeat(score, counts)
