"""The dashboard asset: the Chief Data Officer's pages, built from what was published."""

import dagster as dg

from orchestration.dashboard import publish_dashboard
from orchestration.home import Home
from orchestration.progress import tell


@dg.asset(
    key=["dashboard", "index_html"],
    group_name="dashboard",
    deps=[dg.AssetKey(["serving", "serving_duckdb"])],
    kinds={"html"},
    owners=["team:data-office"],
    pool="warehouse",
    description="The North Star page, one page a domain, a PDF where a Chromium is installed; each month's is kept.",
)
def index_html() -> dg.MaterializeResult:
    """Draw the pages and swap them in."""
    home = Home.at()
    with home.lock():
        tell("drawing", "writing the pages")
        sizes = publish_dashboard(home)
    has_pdf = "index.pdf" in sizes
    pages = len(sizes) - has_pdf
    tell("drawing", f"{pages} pages" + (" and a PDF" if has_pdf else "; no Chromium, so no PDF"), is_end=True)
    return dg.MaterializeResult(
        metadata={
            "page": dg.MetadataValue.url((home.dashboard / "index.html").as_uri()),
            "pages": pages,
            "bytes": sizes["index.html"],
            "has_pdf": has_pdf,
        }
    )
