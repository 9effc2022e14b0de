"""Makes the replies: the words for a kind, and the questions. Knows no platform."""

from typing import TYPE_CHECKING

from bot.conversation.questions import HeldQuestion, leaning
from bot.conversation.reply import Reply
from bot.sentences.kinds import Side
from bot.sentences.placeholders import OWNER
from bot.sentences.responses import ANYONE, Kind, Recipient, Responses

if TYPE_CHECKING:
    from trainer.model.classifier import Verdict

_LEANING = {
    Side.POSITIVE: Kind.LEANS_POSITIVE,
    Side.NEGATIVE: Kind.LEANS_NEGATIVE,
    None: Kind.UNSURE,
}


class Speaker:
    """Words each reply with `responses`, which may be replaced at any time."""

    def __init__(self, responses: Responses) -> None:
        self.responses = responses
        self.owner = OWNER
        """Replaces {owner}: how customers reach the person who runs the bot."""

    def say(
        self,
        kind: Kind,
        to: Recipient = ANYONE,
        *,
        verdict: "Verdict | None" = None,
        repeated: bool = False,
        trouble: str | None = None,
    ) -> Reply:
        """The reply of this kind; no answer to it is expected."""
        text = self.responses.say(kind, to, owner=self.owner, verdict=verdict)
        return Reply(text, kind, verdict, repeated, trouble, to=to)

    def ask(
        self,
        log_odds: float,
        to: Recipient,
        *,
        verdict: "Verdict | None" = None,
        asked: int = 1,
    ) -> Reply:
        """Asks which side a review is on, and names the side that the bot leans to."""
        kind = _LEANING[leaning(log_odds)]
        sentence = self.responses.ask(kind, to, owner=self.owner, verdict=verdict)
        return Reply(
            sentence.text,
            kind,
            verdict,
            question=HeldQuestion.of(
                sentence.text, sentence.yes, log_odds, asked, is_judgement=verdict is not None
            ),
            to=to,
        )

    def ask_again(self, kind: Kind, to: Recipient) -> Reply:
        """A question that takes nothing for known: how did they like the film?"""
        sentence = self.responses.ask(kind, to, owner=self.owner)
        return Reply(
            sentence.text,
            kind,
            question=HeldQuestion.of(sentence.text, sentence.yes, log_odds=0.0),
            to=to,
        )

    def apologise(self, to: Recipient) -> Reply:
        """An apology for a wrong verdict, which asks how they liked the film."""
        return self.ask_again(Kind.CORRECTION, to)
