"""The figures of a pulse survey that may be shown: groups of at least 5 answers, and nothing else can be derived.

Belongs here: from answers to the figures of groups. Does not belong here: reading the file (declared.py), which surveys
are served as of a day (dbt). It is Python, before the build, because a build must not hold what people answered.

A group of under MINIMUM answers is hidden (primary suppression). The figures of all groups are hidden too where the
hidden groups' part of them, which anyone can get by subtraction, would say something certain about one of them
(secondary suppression). Reference: Hundepool et al., Statistical Disclosure Control (2012), ch. 4.
"""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

import pyarrow as pa

MINIMUM = 5  # answers of a group
LOW = 2  # levels up to this one are low
ALL = "all"
FIGURES = pa.schema(
    [
        ("asked_on", pa.date32()),
        ("respondent_group", pa.string()),
        ("question", pa.string()),
        ("answer_count", pa.int64()),
        ("mean_level", pa.float64()),
        ("low_share", pa.float64()),
        ("is_shown", pa.bool_()),
        ("reason", pa.string()),
    ]
)
Levels = Counter[int]  # how often each level was answered


def group_figures(answers: pa.Table) -> pa.Table:
    """FIGURES of each survey, question and group, and of `all`, from one row an answer (declared.pulse_answers).

    answer_count, mean_level (1 to 5) and low_share (0 to 1) are null where the group is hidden, for its `reason`.
    """
    questions: dict[tuple, dict[str, Levels]] = {}
    columns = (answers[name].to_pylist() for name in ("asked_on", "question", "respondent_group", "level"))
    for asked_on, question, group, level in zip(*columns, strict=True):
        questions.setdefault((asked_on, question), {}).setdefault(group, Counter())[level] += 1
    rows = []
    for (asked_on, question), groups in sorted(questions.items()):
        for group, figures in _of_question(groups):
            rows.append({"asked_on": asked_on, "respondent_group": group, "question": question} | figures)
    return pa.Table.from_pylist(rows, FIGURES)


def _of_question(groups: dict[str, Levels]) -> Iterator[tuple[str, dict]]:
    everyone = sum(groups.values(), Counter())
    hidden = [levels for levels in groups.values() if levels.total() < MINIMUM]
    if everyone.total() < MINIMUM:
        yield ALL, _hidden("group_too_small")
    else:
        yield ALL, _hidden("would_reveal_a_group") if _would_reveal_a_group(hidden) else _shown(everyone)
    for group, levels in sorted(groups.items()):
        yield group, _hidden("group_too_small") if levels.total() < MINIMUM else _shown(levels)


def _would_reveal_a_group(hidden: list[Levels]) -> bool:
    """Whether the sum of the hidden groups says for certain what one of them has: its count, mean or low share.

    It does not where they have at least MINIMUM answers together, so that they are two or more; where their sizes are
    open, so that not each must have 1 or MINIMUM - 1; and where some answers are low and some are not. Then another
    split of the same answers gives any group another count, and swapping a low answer for one that is not gives it
    another mean and low share.
    """
    if not hidden:
        return False
    together = sum(hidden, Counter())
    count, low = together.total(), _low(together)
    are_sizes_open = len(hidden) < count < len(hidden) * (MINIMUM - 1)
    return count < MINIMUM or not are_sizes_open or not 0 < low < count


def _low(levels: Levels) -> int:
    return sum(count for level, count in levels.items() if level <= LOW)


def _shown(levels: Levels) -> dict:
    count, total = levels.total(), sum(level * count for level, count in levels.items())
    figures = {"mean_level": float(Fraction(total, count)), "low_share": float(Fraction(_low(levels), count))}
    return {"answer_count": count, **figures, "is_shown": True, "reason": None}


def _hidden(reason: str) -> dict:
    return {"answer_count": None, "mean_level": None, "low_share": None, "is_shown": False, "reason": reason}
