"""What a page shows: from served rows to the dict that its template prints.

Belongs here: sections, their order, the choice of rows. Does not belong here: SQL, sentences, marks of a chart, markup.
"""
