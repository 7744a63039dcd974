"""The look: one palette, light and dark, one configuration of charts, and charts as self-contained SVG.

Belongs here: colours, fonts, a chart's rendering to inline SVG. Does not belong here: what a chart shows.
Blue is good, orange is bad, grey is routine: never red and green. Shape and word carry the same meaning, for greyscale.
"""

import re
from html import escape
from typing import Any

PALETTE = {  # of charts and pages; on a page each is a CSS variable of its name
    "ink": "#16213e",
    "muted": "#566076",
    "mark": "#6b7690",
    "bar": "#8793ab",
    "limit": "#8f9db8",
    "line": "#c6cddb",
    "path": "#cfd6e4",
    "edge": "#dde3ee",
    "grid": "#e6eaf2",
    "band": "#e8eefa",
    "interval": "#c9dbf5",
    "blue": "#1d5fbf",
    "link": "#164b9c",
    "orange": "#b34a00",
    "purple": "#6b2fa0",
    "stage": "#f7f9fc",
    "paper": "#ffffff",
    "desk": "#f1f5fa",
}
DARK = {  # the same names where a reader prefers dark; paper is always light
    "ink": "#e7ebf3",
    "muted": "#a9b3c8",
    "mark": "#93a0ba",
    "bar": "#77839c",
    "limit": "#6f7f9f",
    "line": "#4a566f",
    "path": "#46516a",
    "edge": "#2f394d",
    "grid": "#2a3345",
    "band": "#26334d",
    "interval": "#2c4a78",
    "blue": "#82b2ff",
    "link": "#94bcff",
    "orange": "#ffa366",
    "purple": "#c9a0ff",
    "stage": "#1c2434",
    "paper": "#161d2b",
    "desk": "#0d131e",
}
_NAMES = {colour: name for name, colour in PALETTE.items()}
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


def css_variables(colours: dict[str, str]) -> str:
    """A palette as declarations of CSS variables."""
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


def enable() -> None:
    """Apply this look to every Altair chart of this process."""
    import altair  # installed with the notebooks only

    look: Any = {"config": CONFIG}  # of a TypedDict that altair does not export
    altair.theme.register("flywheel", enable=True)(lambda: look)


def svg(chart: Chart, identity: str, title: str, description: str) -> str:
    """The chart as inline SVG that scales down with its column, its colours as the page's CSS variables.

    Parameters: `identity`, unique on its page; `title` and `description`, plain text for screen readers, with the key
    number. Returns markup without script, style element or outside reference. Raises KeyError for a colour that is not
    in the palette.
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
    body = re.sub(r'="(#[0-9a-fA-F]{3,8})"', lambda found: f'="{variable(found[1])}"', body)
    body = body.replace(" aria-label=", ' role="img" aria-label=')
    return svg_head(float(width), float(height), identity, title, description) + body


def variable(colour: str) -> str:
    """A colour of the palette as its CSS variable; raises KeyError for any other."""
    return f"var(--{_NAMES[colour]})"


def svg_head(width: float, height: float, identity: str, title: str, description: str) -> str:
    """The start tag of a drawing of this size, with its name and description; parameters as those of `svg`."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" style="max-width:{width:g}px"'
        f' role="img" aria-labelledby="chart-{identity}-title chart-{identity}-desc">'
        f'<title id="chart-{identity}-title">{escape(title)}</title>'
        f'<desc id="chart-{identity}-desc">{escape(description)}</desc>'
    )


def frame(layers: list[Chart], width: int, height: int, left: int, right: int, top: int, bottom: int) -> Chart:
    """Layers as a chart of exactly `width` × `height` pixels with these margins: no font decides how large it gets."""
    return {
        "layer": layers,
        "width": width - left - right,
        "height": height - top - bottom,
        "autosize": {"type": "none"},
        "padding": {"left": left, "right": right, "top": top, "bottom": bottom},
    }
