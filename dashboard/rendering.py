"""Which pages there are, and their HTML: Jinja templates, and the key by which a drawn page is still up to date.

Belongs here: the list of pages, the template environment, the key. Does not belong here: what a page shows (`views/`).
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dashboard.links import slug
from dashboard.maps import all_maps
from dashboard.owm import owm_text
from dashboard.tables import PageData
from dashboard.theme import DARK, FONT, PALETTE, css_variables
from dashboard.views.archive import Month, archive_list
from dashboard.views.domain import domain_page
from dashboard.views.main import main_page
from dashboard.views.maps import FOLDER
from dashboard.views.metric import metric_page
from dashboard.views.parts import View, publication
from dashboard.views.persona import persona_page
from dashboard.views.product import product_page
from dashboard.views.queues import open_page
from dashboard.words import numbers, phrases
from dashboard.words.persona import PERSONAS

TITLE_LENGTH = 120
HEAD_BYTES = 1000  # of a page; its key is within them


@dataclass(frozen=True)
class Page:
    """A page that can be drawn, and the key of everything it shows: a file with the same key is up to date."""

    name: str  # of its file, in the folder of the pages
    template: str
    view: Callable[[Any], View]  # from `rows` to what the template prints
    rows: PageData | View | list[Month]  # everything that the view reads
    options: View  # its links, and whether it looks back

    @cached_property
    def key(self) -> str:
        """A hash of its rows, its options and the code that draws it; neither the time nor the run is part of it."""
        content = (code_hash(), self.name, sorted(self.options.items()), self.rows)
        return hashlib.sha256(repr(content).encode()).hexdigest()

    def draw(self, drawn_at: datetime, run_id: str) -> str:
        """Its HTML, with the time it was drawn at and the id of the run."""
        stamp = {"at": numbers.instant(drawn_at), "run": run_id, "key": self.key}
        template = _environment().get_template(self.template)
        return template.render(**self.view(self.rows), **self.options, stamp=stamp, **_style())

    def is_drawn(self, path: Path) -> bool:
        """Whether a file is this page, drawn from the same rows by the same code."""
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return f'content="{self.key}"'.encode() in file.read(HEAD_BYTES)


def pages_of(data: PageData, archive: str | None, pdf: str | None, looks_back: bool = False) -> list[Page]:
    """The main page, that of all open data products, then those of each persona, domain, metric, data product and map.

    Parameters: `archive` and `pdf`, where the main page links to, None for no link; `looks_back`, whether the
    header states that these are not the latest figures.
    """
    about = {"looks_back": looks_back}
    main = Page("index.html", "index.html", main_page, data.of_everyone(), about | {"archive": archive, "pdf": pdf})
    return [
        main,
        Page("open.html", "open.html", open_page, data.of_open_products(), about),
        *(
            Page(
                f"personas/{who.slug}.html",
                "persona.html",
                partial(persona_page, phase=phase),
                data.of_persona(phase),
                about,
            )
            for phase, who in PERSONAS.items()
        ),
        *(
            Page(f"domains/{slug(name)}.html", "domain.html", domain_page, data.of_domain(name), about)
            for name in (row["domain"] for row in data.domains)
        ),
        *(
            Page(f"metrics/{metric}.html", "metric.html", metric_page, data.of_metric(metric), about)
            for metric in data.metrics
        ),
        *_product_pages(data, about),
        *_map_texts(data, about),
    ]


def _product_pages(data: PageData, about: View) -> list[Page]:
    """The pages of data products. Their key is that of their words: a day that passes changes few of them.

    So they show no date of the publication, unless they look back.
    """
    dates = {} if not about["looks_back"] else publication(data)
    shown = {"is_sample": data.publication["is_sample"]} | dates
    return [
        Page(f"products/{slug(product)}.html", "product.html", dict, product_page(shown, data.products, row), about)
        for product, row in data.products.rows.items()
    ]


def _map_texts(data: PageData, about: View) -> list[Page]:
    """The Wardley maps as OWM text, where there is something to place."""
    texts = {name: owm_text(drawn) for name, drawn in all_maps(data).items() if drawn}
    return [
        Page(f"{FOLDER}/{name}.owm", "map.owm", _as_it_is, {"text": text.rstrip()}, about)
        for name, text in texts.items()
    ]


def _as_it_is(rows: View) -> View:
    return {"text": Markup(rows["text"])}  # it is no markup


def archive_page(months: list[Month]) -> Page:
    """The list of the months whose pages were kept, each in a folder of its name ("2025-12"), latest first."""
    latest_first = sorted(months, key=lambda month: month[0], reverse=True)
    return Page("index.html", "archive.html", archive_list, latest_first, {"looks_back": False})


@cache
def _style() -> View:
    """What the style sheet prints: fonts and colours."""
    return {
        "css_font": Markup(FONT),
        "css_light": Markup(css_variables(PALETTE)),
        "css_dark": Markup(css_variables(DARK)),
    }


@cache
def code_hash() -> str:
    """A hash of all code, templates and libraries that decide how rows become a page."""
    folder = Path(__file__).parent
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".html", ".css", ".owm"))
    content = b"".join(path.read_bytes() for path in files) + version("vl-convert-python").encode()
    return hashlib.sha256(content).hexdigest()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"several": phrases.counted, "short": _short}
    environment.filters |= {"css_string": css_string, "breakable": _breakable}
    return environment


def _printable(value: object) -> object:
    """The value as it is; raises TypeError for None and floats, which a view must have written out as text."""
    if value is None or isinstance(value, float):
        raise TypeError(f"a view returned {value!r}; write it out as text with dashboard.words")
    return value


def _short(title: str) -> str:
    return title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1].rstrip() + "…"


def _breakable(address: str) -> Markup:
    """An address that may go on in another line after each of its marks."""
    parts = re.findall(r"[^/?&=._@:#-]*[/?&=._@:#-]+|[^/?&=._@:#-]+", address)
    return Markup("<wbr>").join(parts)


def css_string(text: str) -> Markup:
    """Text, or markup of text, as a string of CSS that can end neither itself nor its style element.

    Everything but ASCII letters, digits and spaces is an escape; marks of direction turn nothing around the string.
    """
    plain = f"\u2068{(text.unescape() if isinstance(text, Markup) else text).strip()}\u2069"
    return Markup('"{}"').format("".join(_css_character(c) for c in plain))


def _css_character(character: str) -> str:
    return character if character.isascii() and (character.isalnum() or character == " ") else f"\\{ord(character):x} "
