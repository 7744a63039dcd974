"""Shows what is served: authoritative tables in, self-contained script-free HTML out.

| to change | look in |
|---|---|
| which rows are read | `tables.py`; one by one: `products.py`; those behind a number: `counted.py`; `rows.py` reads |
| what stands where on a page | `views/` and `templates/` |
| wording that never changes | `templates/` |
| wording that depends on rows, numbers, verdicts, reasons | `words/` |
| a chart | `charts/` |
| what stands where on a Wardley map; its text | `maps.py`; `owm.py` |
| colours, fonts | `theme.py`, `templates/style.css`; of data products' pages `small.css` |
| names of files, outside addresses | `links.py` |
| which pages there are, when they are drawn again | `rendering.py` |

All of it is pure functions of the serving file. Does not belong here: Dagster, writing files, computing a figure.
"""
