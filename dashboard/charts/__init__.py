"""The charts, as pure functions from served rows to Vega-Lite; the page and the notebooks draw the same ones.

Belongs here: marks, scales, labels that are part of a drawing. Does not belong here: reading tables, sentences, HTML.
Rows are dicts as served (None where NULL), every size in pixels. Scales and ticks are set, never guessed from fonts,
so the same rows give the same drawing everywhere. A chart is a plain dict: built through Altair and pandas, the
sample's 43 charts took as long again as drawing them.
"""

from dashboard.charts.curve import time_to_value_chart
from dashboard.charts.evolution import evolution_chart
from dashboard.charts.intervals import outlook_chart, stages_chart
from dashboard.charts.months import MONTHS_SHOWN, first_shown, north_star_chart, sparkline
from dashboard.charts.quarters import amounts_chart, liability_chart, ownership_chart

__all__ = [
    "MONTHS_SHOWN",
    "amounts_chart",
    "evolution_chart",
    "first_shown",
    "liability_chart",
    "north_star_chart",
    "outlook_chart",
    "ownership_chart",
    "sparkline",
    "stages_chart",
    "time_to_value_chart",
]
