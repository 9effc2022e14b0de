"""/setup: the admins of a server choose how its customers reach a person."""

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.desk.store import ServerSettings
from bot.frontends.discord.admins import desk_of, require_admin
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.references import reference
from bot.frontends.discord.setup_panel import (
    LanguageMenu,
    MentionRoleMenu,
    SetupButton,
    StaffChannelMenu,
    StaffRolesMenu,
    panel,
    shown,
)

_ITEMS = (StaffChannelMenu, StaffRolesMenu, MentionRoleMenu, LanguageMenu, SetupButton)


@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
class SetupCommands(
    commands.GroupCog, group_name="setup", group_description="The service desk of this server"
):
    """Its answers are for the one who asks."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot

    async def cog_load(self) -> None:
        self._bot.add_dynamic_items(*_ITEMS)

    async def cog_unload(self) -> None:
        self._bot.remove_dynamic_items(*_ITEMS)

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        return await require_admin(interaction)

    @app_commands.command(name="start", description="Choose who helps customers, where and when")
    async def start(self, interaction: discord.Interaction) -> None:
        await self._show(interaction, editable=True)

    @app_commands.command(name="show", description="How the service desk is set up")
    async def show(self, interaction: discord.Interaction) -> None:
        await self._show(interaction, editable=False)

    @app_commands.command(name="reset", description="Undo the set-up")
    async def reset(self, interaction: discord.Interaction) -> None:
        if (desk := await desk_of(interaction)) is None:
            return
        assert interaction.guild_id is not None
        await desk.set_settings(reference(interaction.guild_id), ServerSettings())
        days = ServerSettings().retention_days
        await interaction.response.send_message(
            "The set-up is undone: no customer is handed over to a person from now on. Requests "
            f"and figures stay, for {days} days as by default. To delete them: /privacy delete",
            ephemeral=True,
        )

    async def _show(self, interaction: discord.Interaction, *, editable: bool) -> None:
        if (desk := await desk_of(interaction)) is None:
            return
        assert interaction.guild_id is not None
        settings = await desk.store.settings(reference(interaction.guild_id))
        more: dict[str, Any] = {"view": panel(interaction, settings)} if editable else {}
        text = shown(interaction, settings, desk.clock())
        await interaction.response.send_message(text, ephemeral=True, **more)


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(SetupCommands(bot))
