"""/privacy: what is kept; and the deletion of it, for a person or, by an admin, for a server."""

import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.desk.store import Forgotten
from bot.desk.summary import plural
from bot.errors import StoreError
from bot.frontends.discord.admins import desk_of, require_admin
from bot.frontends.discord.buttons import ConciergeButton, view
from bot.frontends.discord.client import DIRECT, ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND, defer, respond
from bot.frontends.discord.escaping import plain
from bot.frontends.discord.recipients import server_name, user_of
from bot.frontends.discord.references import ids_in, reference
from bot.frontends.discord.replies import tell
from bot.frontends.discord.shared_servers import only_server_of
from bot.frontends.discord.threads import leave_thread
from bot.sentences.responses import MAX_CHARACTERS, Kind

log = logging.getLogger(__name__)

OF_ME, OF_THE_SERVER = "me", "server"


class ForgetServerButton(ConciergeButton, template=r"forget_server"):
    """Deletes all that there is of a server, which cannot be undone."""

    log_name = "Deleting what is kept about a server"

    def __init__(self) -> None:
        super().__init__(
            discord.ui.Button(
                label="Delete everything",
                style=discord.ButtonStyle.danger,
                custom_id="forget_server",
            )
        )

    async def pressed(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Deletes it, and says so in the place of the question."""
        if not await require_admin(interaction) or (desk := await desk_of(interaction)) is None:
            return
        assert interaction.guild_id is not None  # an admin is one of a server
        await interaction.response.defer()
        try:
            await desk.forget_server(reference(interaction.guild_id))
            said = (
                "Everything that I kept about this server is deleted, including its set-up. Cards "
                "that are still shown in the staff channel have no effect now: delete them there."
            )
        except StoreError as error:
            said = f"Nothing is deleted. {plain(str(error))}"
        await interaction.edit_original_response(content=said, view=None)


class Privacy(commands.Cog):
    """Everybody may ask what is kept, and have deleted what there is of them."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot

    async def cog_load(self) -> None:
        self._bot.add_dynamic_items(ForgetServerButton)

    async def cog_unload(self) -> None:
        self._bot.remove_dynamic_items(ForgetServerButton)

    @app_commands.command(name="privacy", description="What I read, what I keep and whom to ask")
    @app_commands.describe(delete="Delete what I keep")
    @app_commands.choices(
        delete=[
            app_commands.Choice(name="what there is of me", value=OF_ME),
            app_commands.Choice(
                name="everything about this server (admins only)", value=OF_THE_SERVER
            ),
        ]
    )
    async def privacy(
        self, interaction: discord.Interaction[ConciergeBot], delete: str | None = None
    ) -> None:
        """Only the one who asks sees the answer."""
        if delete == OF_THE_SERVER:
            if await require_admin(interaction):
                await respond(
                    interaction,
                    "This deletes all requests, votes and figures of this server, and its set-up. "
                    "It cannot be undone.",
                    view=view(ForgetServerButton()),
                )
            return
        with self._bot.answering():
            if delete == OF_ME:
                await self._forget(interaction)
                return
            reply = self._bot.concierge.say(Kind.PRIVACY, user_of(interaction))
            kept = await self._kept(interaction)
            both = f"{reply.text.rstrip()}\n{kept}"
            fits = len(both) <= MAX_CHARACTERS
            await tell(self._bot, interaction, replace(reply, text=both) if fits else reply)
            if not fits:
                with suppress(*CANNOT_SEND):
                    await interaction.followup.send(kept, ephemeral=True, suppress_embeds=True)

    async def _kept(self, interaction: discord.Interaction[ConciergeBot]) -> str:
        """What is kept of the person who asks, by the settings of their server.

        In a direct message, by those of the only server that they share with the bot, if any.
        """
        bot, to = self._bot, user_of(interaction)
        if bot.desk is None:
            return bot.concierge.say(Kind.KEPT_NOTHING, to).text
        guild = interaction.guild or await only_server_of(bot, interaction.user.id)
        server = DIRECT if guild is None else reference(guild.id)
        try:
            settings = await bot.desk.store.settings(server)
            if interaction.guild is None:  # whose figures belong to no server
                retention = (await bot.desk.store.settings(DIRECT)).retention_days
            else:
                retention = settings.retention_days
        except StoreError as error:
            log.error("/privacy does not know the settings. %s", error)
            return bot.concierge.say(Kind.KEPT_NOTHING, to).text
        name = server_name(guild) if guild is not None else to.server
        to = replace(to, server=name, retention=plural(retention, "day"))
        has_staff = settings.staff_channel is not None
        kind = Kind.KEPT_REQUESTS if has_staff else Kind.KEPT_FIGURES
        return bot.concierge.say(kind, to).text

    async def _forget(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Raises StoreError, which ends in the client's last resort."""
        person = interaction.user.id
        self._bot.concierge.forget(person)
        await defer(interaction)
        if self._bot.desk is not None:
            forgotten = await self._bot.desk.forget_person(reference(person))
            await self._remove_cards(forgotten)
            for card in forgotten.cards:
                if card.claimed_by == reference(person):
                    await leave_thread(self._bot, card, interaction.id)
        reply = self._bot.concierge.say(Kind.FORGOTTEN, user_of(interaction))
        await respond(interaction, reply.text)
        self._bot.count(reply, interaction.guild_id, None)

    async def _remove_cards(self, forgotten: Forgotten) -> None:
        """Deletes the messages that showed cards of which nothing is left, as they have a link;
        shows the others as they are now."""
        desk = self._bot.desk
        assert desk is not None
        left = {card.id: card for card in await desk.store.open_cards()}
        for card in forgotten.cards:
            ids = ids_in(card.message)
            if card.id in left and desk.poster is not None:
                desk.poster.grown(left[card.id])
            elif card.id not in left and len(ids) == 2:
                channel = self._bot.get_partial_messageable(ids[0])
                with suppress(*CANNOT_SEND):  # it may be gone already
                    await channel.get_partial_message(ids[1]).delete()

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Has the rows of a server removed, after the store's grace time."""
        await self._note(guild, is_there=False)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Keeps the rows of a server that has invited the bot again."""
        await self._note(guild, is_there=True)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """The same for servers that have invited it while it was away."""
        for guild in self._bot.guilds:
            await self._note(guild, is_there=True)

    async def _note(self, guild: discord.Guild, *, is_there: bool) -> None:
        """A failure is raised and logged by the client; it is noted at the next start."""
        if self._bot.desk is not None:
            store: Any = self._bot.desk.store
            note = store.server_joined if is_there else store.server_left
            await note(reference(guild.id))


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(Privacy(bot))
