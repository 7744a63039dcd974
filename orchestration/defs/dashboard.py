"""The dashboard asset: the Chief Data Officer's pages, built from what was published."""

import dagster as dg

from orchestration.defs.resources import AnalysisDates, published_daily
from orchestration.progress import report
from orchestration.publish.pages import publish_dashboard
from orchestration.publish.record import are_pages_intact, pages_are_published


@dg.asset(
    key=["dashboard", "index_html"],
    group_name="dashboard",
    deps=[dg.AssetKey(["serving", "serving_duckdb"])],
    kinds={"html"},
    owners=["team:data-office"],
    pool="home",
    freshness_policy=published_daily(),
    description="The North Star's page, one for each domain, metric and data product, a PDF; each month's are kept.",
)
def index_html(dates: AnalysisDates) -> dg.MaterializeResult:
    """Draw the pages and swap them in."""
    folder = dates.folder
    report("drawing", "writing the pages")
    sizes = publish_dashboard(folder, carry_over=are_pages_intact(folder))
    pages_are_published(folder)
    has_pdf = "index.pdf" in sizes
    pages = len(sizes) - has_pdf
    report("drawing", f"{pages} pages" + (" and a PDF" if has_pdf else "; no Chromium, so no PDF"), is_end=True)
    return dg.MaterializeResult(
        metadata={
            "page": dg.MetadataValue.url((folder.dashboard / "index.html").as_uri()),
            "pages": pages,
            "bytes": sizes["index.html"],
            "has_pdf": has_pdf,
        }
    )
