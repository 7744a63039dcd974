"""The trust line at the top of the main page and of the run's summary: what makes the numbers doubtful.

Belongs here: refused rows, files that could not be read, sources that fell silent. Does not belong here: the section
with all counts (`views/main.py`).
"""

from dashboard.tables import PageData, Row
from dashboard.words import numbers
from dashboard.words.phrases import Sentence, counted, is_or_are

NOTICED_SHARE = 0.01  # of all rows read
NAMED = 3  # silent sources that are named


def trust_line(data: PageData) -> list[Sentence]:
    """What makes the numbers doubtful; nothing where nothing does."""
    refused = _refused(data)
    advice = [[("The command flywheel quarantine lists them, with what to do.", False)]] if refused else []
    return [*refused, *advice, *_silent(data.sources)]


def _refused(data: PageData) -> list[Sentence]:
    """How many rows wait in quarantine, where that is more than NOTICED_SHARE, and which files can't be read."""
    waiting, files = data.refused["waiting_count"], data.refused["file_count"]
    read = data.accounting["read_count"]
    found: list[Sentence] = []
    if waiting > NOTICED_SHARE * read:
        share = numbers.share(waiting / read)
        head = f"{waiting:,} of {counted(read, 'row')} read ({share}) {is_or_are(waiting)} refused"
        found.append([(head, True), (" and in quarantine.", False)])
    if files:
        named = data.refused["file_names"]  # the first few
        more = [f"{files - len(named):,} more"] if files > len(named) else []
        found.append([(f"{counted(files, 'file')} could not be read", True), (": ", False), *_listed([*named, *more])])
    return found


def _listed(names: list[str]) -> Sentence:
    """ "a, b and c.", each name in a piece of its own, because it can be written from right to left."""
    ends = [", "] * (len(names) - 2) + [" and "] * (len(names) > 1) + ["."]
    return [piece for name, end in zip(names, ends, strict=True) for piece in ((name, False), (end, False))]


def _silent(sources: list[Row]) -> list[Sentence]:
    """The sources that have been silent for longer than ever before, the latest to fall silent first."""
    silent = sorted((row for row in sources if row["is_silent"]), key=lambda row: (row["days_silent"], row["source"]))
    found: list[Sentence] = []
    for row in silent[:NAMED]:
        since = f" has sent nothing since {row['last_event_at']:%-d %B %Y}"
        gap = numbers.days(row["longest_gap_days"])
        usual = f" ({numbers.days(row['days_silent'])} days; in the year before at most {gap})."
        found.append([(row["source"], True), (since, True), (usual, False)])
    more = len(silent) - NAMED
    return found + ([[(f"{counted(more, 'more source')} {is_or_are(more)} silent.", False)]] if more > 0 else [])
