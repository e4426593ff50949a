"""The five classes of jobs."""

from __future__ import annotations

from enum import IntEnum


class Priority(IntEnum):
    """How urgent a job is, as the number that is stored: a lower one goes first."""

    CRITICAL = 10
    HIGH = 20
    MEDIUM = 30
    LOW = 40
    NEGLIGIBLE = 50

    @property
    def word(self) -> str:
        """The name as probes and people write it: `critical`."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Priority:
        """The priority that a probe or a person names. Raises ValueError for any other word."""
        for priority in cls:
            if priority.word == word:
                return priority
        raise ValueError(f"{word!r} is not one of {', '.join(priority.word for priority in cls)}")


def checked(number: int) -> Priority:
    """The priority with this number; medium for any other number, so that no job falls outside the five classes."""
    return Priority(number) if number in set(Priority) else Priority.MEDIUM
