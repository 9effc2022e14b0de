"""Stand-ins for tests of what is around them: a classifier without a model, settings."""

import threading
from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr

from bot.settings import Settings
from tests.marker import unmarked
from trainer.model.classifier import Encoding, Verdict
from trainer.model.strength import Strength

POSITIVE_WORDS = ("love", "wonderful", "great")

UNSURE_WORDS = {"half": 0.6, "rather": 0.8}
"""The probability of the more probable class."""

OTHER_KINDS = {
    "greeting": "hello there",
    "thanks": "cheers for that",
    "service": "my ticket was never sent",
    "person": "give me a human being",
    "correction": "you misread me",
    "question": "why is the sky blue",
    "off_topic": "two eggs and some flour",
    "distress": "I want to die",
}
"""A message of each kind that is no review, as `KeywordClassifier` knows it."""

OTHER_WORDS = {
    "good morning": "greeting",
    "thank you": "thanks",
    "money back": "service",
    "was sarcasm": "correction",
    "sorry for what": "correction",
    "what is on": "question",
    "end it all": "distress",
}
"""Other words that give a message this kind."""
_KINDS = {words: kind for kind, words in OTHER_KINDS.items()} | OTHER_WORDS


class KeywordClassifier:
    """Positive where a text has one of POSITIVE_WORDS; unsure where it has "half" or "rather".

    "half" leaves it open which way it tips, "rather" leans to that side.

    What has a message of OTHER_KINDS, or OTHER_WORDS, in it is of that kind, one with "strong
    words" has that strength, and on "poison" it raises. It keeps the batches it was given. While
    `gate` is clear, it blocks.
    """

    name = "stub"

    def __init__(self, *, certainty: float = 0.9) -> None:
        self.batches: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self._certainty = certainty

    def __call__(self, texts: Sequence[str]) -> list[Verdict]:
        return self.judge([self.encode(text) for text in texts])

    def encode(self, text: str) -> Encoding:
        """A token for each word, but a window of its characters."""
        return Encoding([[ord(character) for character in text]], None, len(text.split()))

    def judge(self, encodings: Sequence[Encoding]) -> list[Verdict]:
        texts = ["".join(map(chr, encoding.windows[0])) for encoding in encodings]
        self.batches.append(texts)
        self.entered.set()
        assert self.gate.wait(10)
        if any("poison" in text for text in texts):
            raise ValueError(f"cannot read {texts}")
        return [self._judge(text) for text in texts]

    @property
    def judged(self) -> list[str]:
        """Without the marker."""
        return [unmarked(text) for batch in self.batches for text in batch]

    def _judge(self, text: str) -> Verdict:
        unsure = next((likely for word, likely in UNSURE_WORDS.items() if word in text), None)
        likely = unsure or self._certainty
        positive = likely if any(word in text for word in POSITIVE_WORDS) else 1 - likely
        strength = next((each for each in Strength if f"{each} words" in text), None)
        label = "positive" if positive > 0.5 else "negative"
        return Verdict(
            label="unsure" if unsure else label,
            confidence=max(positive, 1 - positive),
            probabilities={"negative": 1 - positive, "positive": positive},
            kind=next((kind for words, kind in _KINDS.items() if words in text), "review"),
            strength=strength,
        )


def settings(token: str, **others: Any) -> Settings:
    """The settings with this token, and none from a .env file."""
    return Settings(_env_file=None, discord_token=SecretStr(token), **others)  # type: ignore[call-arg]
