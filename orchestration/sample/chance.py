"""Chance for the sample: every draw is the same in every Python version.

Belongs here: streams of random numbers and what is derived from them. Does not belong here: what is drawn.

Only Random.random() is promised to be the same in every Python version, so all else is derived from it. Each part has
a stream of its own: changing one part leaves the others as they were.
"""

import math
import random
from collections.abc import Iterable, Sequence
from typing import TypeVar

DAY = 86_400  # seconds
Item = TypeVar("Item")


def stream(seed: int, part: str) -> random.Random:
    """The stream of random numbers of one part of the sample."""
    return random.Random(f"{seed}/{part}")


def between(rng: random.Random, low: float, high: float) -> int:
    """A whole number, uniform from `low` to below `high`."""
    return int(low + rng.random() * (high - low))


def normal(rng: random.Random) -> float:
    """A standard normal number."""
    return math.sqrt(-2 * math.log(1 - rng.random())) * math.cos(2 * math.pi * rng.random())


def days(rng: random.Random, median_days: float, sigma: float) -> int:
    """A log-normal duration in seconds."""
    return int(median_days * math.exp(sigma * normal(rng)) * DAY)


def poisson(rng: random.Random, mean: float) -> int:
    """A Poisson count."""
    count, product, floor = 0, rng.random(), math.exp(-mean)
    while product > floor:
        count, product = count + 1, product * rng.random()
    return count


def pick(rng: random.Random, items: Sequence[Item], weights: Sequence[float]) -> Item:
    """One of the items, as likely as its weight."""
    point = rng.random() * sum(weights)
    for item, weight in zip(items, weights, strict=True):
        point -= weight
        if point < 0:
            return item
    return items[-1]


def shuffled(rng: random.Random, items: Iterable[Item]) -> list[Item]:
    """The items in random order."""
    return [item for _, item in sorted(((rng.random(), item) for item in items), key=lambda pair: pair[0])]
