"""The notice about refused rows and files, at the top of the main page and of the run's summary."""

from dashboard.tables import PageData
from dashboard.words import numbers
from dashboard.words.phrases import Sentence, counted, is_or_are, joined

NOTICED_SHARE = 0.01  # of all rows read


def refused_notice(data: PageData) -> list[Sentence]:
    """How many rows wait in quarantine, where that is more than NOTICED_SHARE, and which files can't be read."""
    waiting, files = data.refused["waiting_count"], data.refused["file_count"]
    read = data.accounting["read_count"]
    notice: list[Sentence] = []
    if waiting > NOTICED_SHARE * read:
        share = numbers.share(waiting / read)
        head = f"{waiting:,} of {counted(read, 'row')} read ({share}) {is_or_are(waiting)} refused"
        notice.append([(head, True), (" and in quarantine.", False)])
    if files:
        names = data.refused["file_names"]  # the first few
        names = [*names, f"{files - len(names):,} more"] if files > len(names) else names
        notice.append([(f"{counted(files, 'file')} could not be read", True), (f": {joined(names)}.", False)])
    return [*notice, [("The command flywheel quarantine lists them, with what to do.", False)]] if notice else []
