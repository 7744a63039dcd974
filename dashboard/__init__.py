"""Shows what is served: authoritative tables in, self-contained script-free HTML out.

Belongs here: tables (reads), words (says), charts and theme (draw), pages and templates (arrange); all pure functions
of the serving file. Does not belong here: Dagster, writing files, computing a figure.
"""
