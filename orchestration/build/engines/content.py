"""SQL of the content of a table as two numbers, its rows and a hash: the same on DuckDB, Spark and Sail, in any order.

Belongs here: that SQL. Does not belong here: any import; Flywheel's Python reads this file, and so does the engine's,
which has none of Flywheel's packages.
"""

# What the dialects spell differently. No contract lets a text hold chr(0): it tells NULL from '', and one column's or
# one element's end from a text that looks like it. A text after its length would do without, and takes twice the time.
_SPARK = {
    "text": "cast({} as string)",
    "micros": "cast(unix_micros({}) as string)",
    "list": "array_join(transform({}, x -> coalesce(x, chr(0)) || chr(0) || chr(30)), '')",
    "number": "cast(conv(substr(md5({}), 1, 15), 16, 10) as decimal(38, 0))",
}
_DUCKDB = {
    "text": "cast({} as varchar)",
    "micros": "cast(epoch_us({}) as varchar)",
    "list": "array_to_string(list_transform({}, lambda x: coalesce(x, chr(0)) || chr(0) || chr(30)), '')",
    "number": "cast('0x' || substr(md5({}), 1, 15) as hugeint)",
}
_EXACT = 2**52  # a DOUBLE has 53 binary digits: those after the point are two numbers of this size


def content_sql(relation: str, columns: dict[str, str], dialect: str) -> str:
    """A query of one row, (rows, the sum of a number of 60 bits for each) of `columns`, {name: Spark's type}.

    Two rows have one number only where every column is equal, but for a chance of 1 in 2^60. A DOUBLE is exact where it
    is 0, or from 2^-52 to 2^53 in size; all others are alike. `dialect` is spark or duckdb; the sum is a text.
    """
    spelled = _SPARK if dialect == "spark" else _DUCKDB
    texts = [f"coalesce({_as_text(f'`{name}`', kind, spelled)}, chr(0))" for name, kind in sorted(columns.items())]
    number = spelled["number"].format(f"concat_ws(chr(0) || chr(31), {', '.join(texts)})")
    query = f"select count(*), {spelled['text'].format(f'coalesce(sum({number}), 0)')} from {relation}"
    return query if dialect == "spark" else query.replace("`", '"')


def _as_text(name: str, kind: str, spelled: dict[str, str]) -> str:
    if kind == "string":
        return name
    if kind == "timestamp":
        return spelled["micros"].format(name)
    if kind == "array<string>":
        return spelled["list"].format(name)
    return _exactly(name, spelled) if kind == "double" else spelled["text"].format(name)


def _exactly(name: str, spelled: dict[str, str]) -> str:
    """A DOUBLE as whole numbers, because no two engines write one as the same text."""
    size = f"abs({name})"
    first = f"({size} - floor({size})) * {_EXACT}"
    second = f"({first} - floor({first})) * {_EXACT}"
    parts = [spelled["text"].format(f"cast(floor({part}) as bigint)") for part in (size, first, second)]
    exact = f"case when {name} < 0 then '-' else '' end || " + " || '.' || ".join(parts)
    return f"case when {size} < {2 * _EXACT} then {exact} when {name} is not null then 'beyond' end"
