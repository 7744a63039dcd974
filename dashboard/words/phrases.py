"""Grammar: lists of names, counts with their noun, and the types of what the templates print.

Belongs here: what sentences about any table need. Does not belong here: a sentence about a table.
"""

from dataclasses import dataclass

Sentence = list[tuple[str, bool]]  # (text, whether it is strong)


@dataclass(frozen=True)
class Clause:
    """A statement, and the place on the main page that proves it."""

    words: str
    proof: str  # "#" and the id of a section
    name: str = ""  # what someone named, at the beginning: set apart from the words, whichever way it is written

    @property
    def text(self) -> str:
        """Name and words."""
        return f"{self.name}{self.words}"


@dataclass(frozen=True)
class Line:
    """One of the five lines at the top: a question and what answers it, the most important clause first."""

    label: str
    clauses: tuple[Clause, ...]

    @property
    def text(self) -> str:
        """The answer as a sentence."""
        return "; ".join(clause.text for clause in self.clauses) + "."

    @property
    def word_count(self) -> int:
        """Words of the label and the answer."""
        return len(f"{self.label} {self.text}".split())


def plain_text(sentences: list[Sentence]) -> str:
    """Sentences as plain text."""
    return " ".join("".join(text for text, _ in sentence).strip() for sentence in sentences if sentence)


def joined(names: list[str]) -> str:
    """ "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def counted(count: int, one: str, many: str | None = None) -> str:
    """ "1 idea", "12 ideas"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def capitalised(text: str) -> str:
    """With a capital first letter; the rest as it is."""
    return text[:1].upper() + text[1:]


def times(count: int) -> str:
    """ "once", "12 times", "not at all"."""
    return {0: "not at all", 1: "once", 2: "twice"}.get(count, f"{count:,} times")


def is_or_are(count: int) -> str:
    """The verb after a count."""
    return "is" if count == 1 else "are"


def has_or_have(count: int) -> str:
    """The verb after a count that has done something."""
    return "has" if count == 1 else "have"


def it_or_them(count: int) -> str:
    """The pronoun of so many."""
    return "it" if count == 1 else "them"


def serves_or_serve(count: int) -> str:
    """The verb after a count that serves something."""
    return "serves" if count == 1 else "serve"


def was_or_were(count: int) -> str:
    """The verb after a count, in the past tense."""
    return "was" if count == 1 else "were"
