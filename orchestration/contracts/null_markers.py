"""The texts that stand for no value, because tools write them where a value is missing.

Belongs here: which texts. Does not belong here: what becomes of a row that holds one (landing/). A contract can allow
one as a value: the custom property `allowedText` of a column.
"""

# Compared without case and surrounding spaces. Words that people choose, such as "unknown", are values.
NULL_MARKERS = frozenset(
    {
        *("null", "nil", "none", "nan", "-nan", "nat", "na", "n/a", "n.a.", "n.a", "undefined"),
        *("<null>", "<nil>", "<na>", "<none>", "(null)", "(none)", "[null]", "[none]"),
        *("\\n", "\\\\n"),  # COPY of Postgres, MySQL and Hive; escaped twice by JSON and CSV writers
        *("-", "--", "---", "–", "—", "?", "??", "."),  # reports; `.` is SAS and Stata, `?` the UCI archive
        *("#n/a", "#n/a n/a", "#na", "#null!", "#nv", "#n/d", "#n/v"),  # Excel in English, German, Spanish, French
        *("#div/0!", "#ref!", "#value!", "#name?", "#num!", "#wert!", "#bezug!", "#zahl!", "#valor!", "#valeur!"),
        *("1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),  # C on Windows
        *("(blank)", "(leer)", "(not set)"),  # pivot tables, Google Analytics
        "__hive_default_partition__",  # Hive and Spark, for the partition without a value
        *("0000-00-00", "0000-00-00 00:00:00", "0000-00-00t00:00:00z"),  # MySQL
    }
)


def is_null_marker(text: str) -> bool:
    """Whether a text stands for no value."""
    return text.strip().lower() in NULL_MARKERS
