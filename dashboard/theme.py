"""The look: one palette, one configuration of charts, and charts as self-contained SVG.

Belongs here: colours, fonts, a chart's rendering to inline SVG. Does not belong here: what a chart shows.
Blue is good, orange is bad, grey is routine: never red and green. Shape and word carry the same meaning, for greyscale.
"""

import re
from html import escape
from typing import Any

PALETTE = {
    "ink": "#16213e",
    "muted": "#566076",
    "mark": "#6b7690",
    "line": "#c6cddb",
    "grid": "#e6eaf2",
    "band": "#e8eefa",
    "blue": "#1d5fbf",
    "orange": "#b34a00",
    "purple": "#6b2fa0",
    "paper": "#ffffff",
}
SIGNAL_COLOURS = {"better": PALETTE["blue"], "worse": PALETTE["orange"]}
FONT = "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
FONT_SIZE = 11


AXIS = {
    "domain": False,
    "ticks": False,
    "grid": True,
    "gridColor": PALETTE["grid"],
    "aria": False,
    "labelOverlap": False,
    "labelColor": PALETTE["muted"],
    "labelFontSize": FONT_SIZE,
    "labelPadding": 6,
    "titleColor": PALETTE["muted"],
    "titleFontSize": FONT_SIZE,
    "titleFontWeight": "normal",
}
CONFIG = {  # of every chart, on the page and in the notebooks
    "font": FONT,
    "background": PALETTE["paper"],
    "view": {"stroke": None},
    "mark": {"aria": False},
    "axis": AXIS,
    "axisX": {"grid": False},
    "legend": {"labelColor": PALETTE["muted"], "labelFontSize": FONT_SIZE, "titleColor": PALETTE["muted"]},
    "line": {"color": PALETTE["mark"], "strokeWidth": 1.5},
    "rule": {"color": PALETTE["mark"]},
    "text": {"color": PALETTE["ink"], "fontSize": FONT_SIZE},
    "point": {"color": PALETTE["mark"], "filled": True, "size": 40, "opacity": 1},
    "bar": {"color": PALETTE["blue"]},
    "area": {"color": PALETTE["band"]},
    "range": {"category": [PALETTE["blue"], PALETTE["mark"], PALETTE["orange"], PALETTE["purple"]]},
}
Chart = dict[str, Any]  # a Vega-Lite specification, without its config


def enable() -> None:
    """Apply this look to every Altair chart of this process."""
    import altair  # installed with the notebooks only

    look: Any = {"config": CONFIG}  # of a TypedDict that altair does not export
    altair.theme.register("flywheel", enable=True)(lambda: look)


def svg(chart: Chart, identity: str, title: str, description: str) -> str:
    """The chart as inline SVG that scales down with its column.

    Parameters: `identity`, unique on its page; `title` and `description`, plain text for screen readers, with the key
    number. Returns markup without script, style element or outside reference.
    """
    import vl_convert  # 0.3 s, and only charts need it

    drawn = vl_convert.vegalite_to_svg(chart | {"config": CONFIG})
    [(width, height)] = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn)
    body = drawn[drawn.index(">", drawn.index("<svg")) + 1 :]
    body = re.sub(r' (?:aria-roledescription|aria-hidden|pointer-events|role)="[^"]*"', "", body)
    body = re.sub(r' class="[^"]*"', "", body)
    body = re.sub(r' font-family="[^"]*"', "", body)  # the style sheet sets it once
    body = re.sub(
        r'<rect width="[\d.]+" height="[\d.]+" fill="#\w+"/>', "", body, count=1
    )  # the card's background shows
    body = re.sub(r"(-?\d+\.\d{2})\d+", r"\1", body)  # a hundredth of a pixel is enough
    body = re.sub(r'<path d="(?:M0,0h0v0h0Z)?"(?: display="none")?/>', "", body)  # empty paths
    body = body.replace(" aria-label=", ' role="img" aria-label=')
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" style="max-width:{width}px" role="img"'
        f' aria-labelledby="chart-{identity}-title chart-{identity}-desc">'
        f'<title id="chart-{identity}-title">{escape(title)}</title>'
        f'<desc id="chart-{identity}-desc">{escape(description)}</desc>'
    )
    return head + body


def frame(layers: list[Chart], width: int, height: int, left: int, right: int, top: int, bottom: int) -> Chart:
    """Layers as a chart of exactly `width` × `height` pixels with these margins: no font decides how large it gets."""
    return {
        "layer": layers,
        "width": width - left - right,
        "height": height - top - bottom,
        "autosize": {"type": "none"},
        "padding": {"left": left, "right": right, "top": top, "bottom": bottom},
    }
