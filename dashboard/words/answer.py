"""The five lines at the top of the main page: rising? real? on target? which lever or phase? act on what?

Belongs here: which lines there are, and how many words they may have. Does not belong here: what a line says.
"""

from dashboard.tables import PageData
from dashboard.words.actions import act_on
from dashboard.words.drivers import lever
from dashboard.words.north_star import on_target, real, rising
from dashboard.words.phrases import Line

MOST_WORDS = 60  # of all lines, labels too: read in 30 seconds


def five_lines(data: PageData) -> list[Line]:
    """The lines, each with its first clause, and as many further ones as MOST_WORDS allows."""
    whole = [line(data) for line in (rising, real, on_target, lever, act_on)]
    lines = [Line(line.label, line.clauses[:1]) for line in whole]
    for at in reversed(range(len(whole))):  # what to act on helps most
        for clause in whole[at].clauses[1:]:
            more = Line(lines[at].label, (*lines[at].clauses, clause))
            added = more.word_count - lines[at].word_count
            if sum(line.word_count for line in lines) + added <= MOST_WORDS:
                lines[at] = more
    return lines
