import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Your questions")

with app.setup(hide_code=True):
    import duckdb
    import marimo as mo
    from notebook_tools import about, as_served, connect, table
    from questions import QUESTIONS, Question

    SHOWN = 1000


@app.cell(hide_code=True)
def _():
    db = connect()
    mo.md(
        f"""
        # Your questions

        {about(db)}

        Ten questions with the SQL that answers them. Change the SQL as you like: it runs when you leave the editor, in
        a connection that can read the served tables and nothing else. It runs in DuckDB itself as well, after
        `attach 'serving.duckdb' as serving (read_only); use serving;`.
        """
    )
    return (db,)


@app.cell(hide_code=True)
def _():
    editors = mo.ui.array(
        [mo.ui.code_editor(one.sql.strip(), language="sql", max_height=300, debounce=True) for one in QUESTIONS]
    )
    return (editors,)


@app.cell(hide_code=True)
def _(db, editors):
    answers = [answer(db, *asked) for asked in zip(QUESTIONS, editors.value, strict=True)]
    _parts = [
        mo.vstack(
            [
                mo.md(f"## {number}. {question.words}"),
                editor,
                shown,
                mo.md(f"**How to read it:** {question.reading}"),
            ]
        )
        for number, (question, editor, shown) in enumerate(zip(QUESTIONS, editors, answers, strict=True), 1)
    ]
    mo.vstack(_parts, gap=2)
    return


@app.function(hide_code=True)
def answer(connection: duckdb.DuckDBPyConnection, question: Question, sql: str):
    """The first SHOWN rows of the answer as a table, or the message of DuckDB where the SQL fails."""
    connection.execute("use serving")  # an earlier question may have changed it
    try:
        result = connection.sql(sql)
        answered = None if result is None else result.limit(SHOWN + 1).to_arrow_table()
    except duckdb.Error as error:
        return mo.callout(mo.plain_text(str(error)), kind="warn")
    if answered is None:
        return mo.md("The statement ran; it returns no rows.")
    if answered.num_rows == 0:
        return mo.md(question.nothing if sql == question.sql.strip() else "No rows.")
    more = [mo.md(f"These are the first {SHOWN:,} rows.")] if answered.num_rows > SHOWN else []
    return mo.vstack([table(answered.slice(0, SHOWN), as_served), *more])


if __name__ == "__main__":
    app.run()
