"""Was I right? A 👍 or 👎 as a reaction to a reply, and "Not quite", are votes on it."""

import discord
from discord.ext import commands

from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.references import reference

_UP, _DOWN = "\N{THUMBS UP SIGN}", "\N{THUMBS DOWN SIGN}"


class Votes(commands.Cog):
    """Hears raw events, since the library keeps no messages in memory."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._feedback = bot.feedback

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        """Takes a vote; one of another bot is none."""
        up = _meaning(event.emoji)
        if up is not None and not (event.member is not None and event.member.bot):
            await self._feedback.vote(_message(event), reference(event.user_id), up=up)

    @commands.Cog.listener()
    async def on_raw_reaction_remove(self, event: discord.RawReactionActionEvent) -> None:
        """Takes a vote back."""
        up = _meaning(event.emoji)
        if up is not None:
            await self._feedback.take_back(_message(event), reference(event.user_id), up=up)

    @commands.Cog.listener()
    async def on_not_quite(self, reply: discord.Message, person: int) -> None:
        """Takes a press of "Not quite" for a 👎."""
        await self._feedback.vote(
            reference(reply.channel.id, reply.id), reference(person), up=False
        )

    @commands.Cog.listener()
    async def on_answer_button(self, reply: discord.Message) -> None:
        """Takes no further votes on a reply whose words a button has exchanged."""
        self._feedback.settle(reference(reply.channel.id, reply.id))


def _meaning(emoji: discord.PartialEmoji) -> bool | None:
    """Whether a reaction says yes, in any skin tone; None for one that is no vote."""
    if not emoji.is_unicode_emoji():
        return None
    return {_UP: True, _DOWN: False}.get(emoji.name[:1])


def _message(event: discord.RawReactionActionEvent) -> str:
    return reference(event.channel_id, event.message_id)


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(Votes(bot))
