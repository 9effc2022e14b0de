"""The button "Why?" under a reply, and its message with the words that decided a verdict.

Nothing of a review is kept for it: the button reads it again from the message that the reply
answers, so a deleted review stays deleted, and a restart of the bot loses nothing.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import groupby
from typing import Any

import discord

from bot.conversation.why import Explanation, Mark, Part
from bot.frontends.discord.buttons import ConciergeButton, Label
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND, defer, reason, send_with_retry
from bot.frontends.discord.escaping import plain
from bot.frontends.discord.operators import report
from bot.frontends.discord.reading import review_in
from bot.frontends.discord.recipients import user_of
from bot.sentences.responses import MAX_CHARACTERS, Kind, Recipient

log = logging.getLogger(__name__)

TOGETHER = ":together"

BUTTON = "why"
"""The button's id, which Discord keeps with the message."""

MAX_PART_CHARACTERS = 300
"""In characters; a longer part is one word without end, or many words of a very long review."""

_AROUND = {Mark.STRONG: "**", Mark.SLIGHT: "__", Mark.AGAINST: "~~", Mark.NONE: ""}
_LEGEND = {
    Mark.STRONG: "**bold** carried it",
    Mark.SLIGHT: "__underlined__ helped",
    Mark.AGAINST: "~~struck through~~ spoke against it",
}


def why(*, together: bool) -> Label:
    """The button under a verdict, on one message or on two that were combined."""
    return Label("Why?", BUTTON + (TOGETHER if together else ""))


class WhyButton(ConciergeButton, template=rf"{BUTTON}(:together)?"):
    """Found by its id under any reply, even of an earlier start of the bot."""

    log_name = "Explaining a verdict"

    def __init__(self, together: str | None = None) -> None:
        """`together` is the end of its id if two messages were combined."""
        self._together = bool(together)
        super().__init__(why(together=self._together).button())

    async def pressed(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Answers only the user who pressed; they can read the review anyway."""
        bot = interaction.client
        customer, to = interaction.user.id, user_of(interaction)
        with bot.answering():
            # Before anything is fetched: a press over the rate limit costs one request.
            refusal = bot.concierge.slow_down(customer, to)
            if refusal is None:
                with bot.concierge.explaining(customer, to) as refusal:
                    if refusal is None:
                        await self._explain(bot, interaction)
            if refusal is not None:
                await _deliver(_first_answer(interaction, refusal.text))

    async def _explain(self, bot: ConciergeBot, interaction: discord.Interaction[Any]) -> None:
        is_deferred = await defer(interaction)
        said = await self._said(bot, interaction)
        if not is_deferred:
            await _deliver(_first_answer(interaction, said))
            return
        # The first message after "is thinking" replaces it. So does an edit, which may be repeated
        # after a reset, but cannot suppress a preview.
        send = partial(
            interaction.followup.send, said, ephemeral=True, suppress_embeds=True, wait=True
        )
        await _deliver(send, partial(interaction.edit_original_response, content=said))

    async def _said(self, bot: ConciergeBot, interaction: discord.Interaction[Any]) -> str:
        to = user_of(interaction)
        try:
            review = await _review(bot, interaction.message)
        except CANNOT_SEND as error:
            log.warning("A review to explain could not be read: %s", reason(error))
            return bot.concierge.say(Kind.FAILURE, to).text
        return await explained(bot, review, to, together=self._together)


def _first_answer(interaction: discord.Interaction[Any], text: str) -> Callable[[], Awaitable[Any]]:
    respond = interaction.response.send_message
    return partial(respond, text, ephemeral=True, suppress_embeds=True)


async def _deliver(
    send: Callable[[], Awaitable[object]], again: Callable[[], Awaitable[object]] | None = None
) -> None:
    try:
        await send_with_retry(send, again)
    except CANNOT_SEND as error:
        log.warning("An explanation was not delivered: %s", reason(error))


async def explained(
    bot: ConciergeBot, review: str, to: Recipient, *, together: bool = False
) -> str:
    """The explanation of a review's verdict, alone or `together` with an earlier message."""
    explanation = await bot.concierge.explain(review, to, together=together)
    if isinstance(explanation, Explanation):
        return shown(explanation)
    await report(bot, explanation)
    return explanation.text


def shown(explanation: Explanation) -> str:
    """The percentages, the review with its words marked, and what the marks mean."""
    percent = int(explanation.probabilities[explanation.label] * 100)
    (other,) = (label for label in explanation.probabilities if label != explanation.label)
    title = f"**{explanation.label} {percent}%**, {other} {100 - percent}%"
    used = [_LEGEND[mark] for mark in _LEGEND if explanation.marked(mark)]
    legend = f"-# {', '.join(used) or 'No word alone carried it, but all together'}."
    legend = " ".join([legend, *(plain(note, MAX_CHARACTERS) for note in explanation.notes)])
    room = MAX_CHARACTERS - len(f"{title}\n“”\n{legend}")
    count = len(explanation.parts)
    while len(words := _marked(explanation.parts, count)) > room:
        count -= 1
    # The quotation mark keeps a word at the beginning from being taken for a heading or a list.
    return f"{title}\n“{words}”\n{legend}"


async def _review(bot: ConciergeBot, reply: discord.Message | None) -> str:
    """The text of the message that this one answers; empty if it is gone or withheld."""
    reference = reply.reference if reply else None
    if reference is None or reference.message_id is None:
        return ""
    channel = bot.get_partial_messageable(reference.channel_id)
    try:
        message = await channel.fetch_message(reference.message_id)
    except (discord.NotFound, discord.Forbidden):
        return ""
    return await review_in(message)


def _marked(parts: tuple[Part, ...], count: int) -> str:
    """The first `count` parts, neighbours with the same mark joined; "…" stands for the others."""
    runs = []
    for mark, run in groupby(parts[:count], key=lambda part: part.mark):
        # Escaped as a whole: a link may begin in one part and end in the next.
        text = plain(" ".join(_cut(part.text) for part in run), MAX_CHARACTERS)
        runs.append(f"{_AROUND[mark]}{text}{_AROUND[mark]}" if text else "")
    return " ".join([*runs, "…"] if count < len(parts) else runs)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_PART_CHARACTERS else f"{text[:MAX_PART_CHARACTERS]}…"
