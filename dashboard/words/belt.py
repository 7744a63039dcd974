"""The words of the purpose, the belt, its slips and quick wins.

Belongs here: sentences about `purpose`, `belt_initiatives`, `belt_slips` and `quick_wins`. Does not belong here: which
rows are shown (`views/belt.py`).
"""

from dashboard.tables import PageData
from dashboard.words.phrases import Clause


def to_act_on(data: PageData) -> list[Clause]:
    """What calls for action on the belt, the most important first."""
    return []
