"""Grammar: lists of names, counts with their noun, and the sentence type that the templates print."""

Sentence = list[tuple[str, bool]]  # (text, whether it is strong)


def plain_text(sentences: list[Sentence]) -> str:
    """Sentences as plain text."""
    return " ".join("".join(text for text, _ in sentence).strip() for sentence in sentences if sentence)


def joined(names: list[str]) -> str:
    """ "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def counted(count: int, one: str, many: str | None = None) -> str:
    """ "1 idea", "12 ideas"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def times(count: int) -> str:
    """ "once", "12 times", "not at all"."""
    return {0: "not at all", 1: "once", 2: "twice"}.get(count, f"{count:,} times")


def is_or_are(count: int) -> str:
    """The verb after a count."""
    return "is" if count == 1 else "are"


def was_or_were(count: int) -> str:
    """The verb after a count, in the past tense."""
    return "was" if count == 1 else "were"
