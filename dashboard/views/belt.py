"""The purpose, the belt of initiatives, its slips and quick wins: sections of the CDO's page.

Belongs here: what `templates/persona/purpose.html`, `belt.html`, `slips.html` and `quick-wins.html` print. Does not
belong here: sentences (`words/belt.py`).
"""

from dashboard.tables import PageData
from dashboard.views.parts import View


def purpose_section(data: PageData) -> View:
    """What people declared that data is for."""
    row = data.purpose
    return {"statement": row["statement"] or "", "owner": row["owner"] or ""}
