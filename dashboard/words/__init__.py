"""The wording of the pages that depends on served rows: numbers, verdicts, reasons, sentences.

Belongs here: sentences, each true of the rows it is made from. Does not belong here: computing a figure, HTML, wording
that never changes (in `templates/`). Every function takes rows as `dashboard.tables` reads them.
"""
