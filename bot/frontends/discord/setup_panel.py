"""What an admin sees of the set-up: the settings in words, and the menus and buttons to change it.

Each change is saved at once. The menus are found by their ids, so they outlive a restart.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import discord

from bot.desk.desk import Desk
from bot.desk.hours import (
    EXAMPLE,
    NONE,
    QUIET_EXAMPLE,
    read_hours,
    read_quiet_hours,
    read_time_zone,
    show_hours,
    show_quiet_hours,
)
from bot.desk.store import ServerSettings
from bot.desk.store.server_settings import MAX_REMINDER_MINUTES, MAX_RETENTION_DAYS
from bot.frontends.discord.admins import desk_of, require_admin
from bot.frontends.discord.buttons import ConciergeItem, view
from bot.frontends.discord.client import ConciergeBot, in_private
from bot.frontends.discord.delivery import respond
from bot.frontends.discord.recipients import user_of
from bot.frontends.discord.references import ids_in, reference
from bot.sentences.file import ENGLISH, LOCALES
from bot.sentences.responses import MAX_CHARACTERS, Kind

Change = Callable[[ServerSettings], ServerSettings]

_WRITING = ("view_channel", "send_messages", "read_message_history")
_THREADS = ("create_private_threads", "send_messages_in_threads")
_NAMES = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "read_message_history": "Read Message History",
    "create_private_threads": "Create Private Threads",
    "send_messages_in_threads": "Send Messages in Threads",
}
MAX_ROLES = MAX_OPTIONS = 25
"""As many as Discord's menu takes."""
_AS_DISCORD_SAYS = "auto"


def shown(interaction: discord.Interaction[Any], settings: ServerSettings, now: datetime) -> str:
    """The settings in words, what the bot lacks, and what a customer reads."""
    roles = " ".join(map(_role, settings.staff_roles))
    hours = show_hours(settings.working_hours).replace("\n", "; ")
    local = now.astimezone(ZoneInfo(settings.time_zone))
    minutes = settings.reminder_minutes
    lines = [
        f"**Staff channel:** {_channel(settings)}",
        *_problems(interaction.guild, settings),
        f"**Staff roles:** {roles or 'none, so anyone who may manage messages'}",
        f"**Role that a card notifies:** {_role(settings.mention_role) or 'none'}",
        f"**Working hours:** {hours} ({settings.time_zone}, where it is {local:%H:%M} now)",
        f"**Language:** {_language(settings)}",
        *_no_sentences(interaction, settings),
        f"**Alerts:** {_switch(settings.alerts)} · **Weekly digest:** {_switch(settings.digest)} · "
        f"**Quiet hours for both:** {show_quiet_hours(settings.quiet_hours)}",
        f"**Reminder:** {f'after {minutes:,} minutes' if minutes else 'never'}",
        f"**Private threads:** {_switch(settings.private_threads)}",
        f"**Figures and closed cards are kept for:** {settings.retention_days:,} days",
        "",
        *_preview(interaction, settings),
    ]
    return "\n".join(lines)[:MAX_CHARACTERS]


def _role(role: str | None) -> str:
    return "".join(f"<@&{role_id}>" for role_id in ids_in(role))


def _language(settings: ServerSettings) -> str:
    if settings.locale is None:
        return "the server's Primary Language on Discord, where there are sentences in it"
    return _language_name(settings.locale)


def _no_sentences(interaction: discord.Interaction[Any], settings: ServerSettings) -> list[str]:
    """A line if the language was chosen before its sentences were removed."""
    languages = interaction.client.concierge.responses.languages
    if settings.locale is None or settings.locale in languages:
        return []
    return ["⚠️ There are no sentences in that language any more, so I speak English."]


def _language_name(code: str) -> str:
    """Such as "German (de)"."""
    written = next((each for each in LOCALES if each.lower() == code), code)
    for locale in discord.Locale:
        if written in (locale.value, locale.value.partition("-")[0]):
            # Of "spain_spanish" for "es", the region is no part of the name.
            name = locale.name if written == locale.value else locale.name.rpartition("_")[2]
            return f"{name.replace('_', ' ').title()} ({written})"
    return written


def _switch(is_on: bool) -> str:
    return "on" if is_on else "off"


def _channel(settings: ServerSettings) -> str:
    ids = ids_in(settings.staff_channel)
    return f"<#{ids[0]}>" if ids else "none, so no customer is handed over to a person"


def _problems(guild: discord.Guild | None, settings: ServerSettings) -> list[str]:
    """A line for each thing that keeps the bot from doing what is set."""
    ids = ids_in(settings.staff_channel)
    if not ids:
        return []
    if guild is None or guild.me is None:
        return ["⚠️ I am not a member of this server, so I cannot write there. Invite me again."]
    lines = []
    channel = guild.get_channel(ids[0])
    if channel is None:
        lines.append("⚠️ That channel is gone, or I cannot see it. Choose another one.")
    elif missing := _missing(channel.permissions_for(guild.me), _WRITING):
        lines.append(f"⚠️ In that channel I lack: {missing}. Give it to me in its settings.")
    if settings.mention_role is not None:
        lines += _unmentionable(guild, settings.mention_role, channel)
    if settings.private_threads and (missing := _missing(guild.me.guild_permissions, _THREADS)):
        lines.append(f"⚠️ For private threads I lack: {missing}. Give it to my role.")
    return lines


def _unmentionable(
    guild: discord.Guild, kept: str, channel: discord.abc.GuildChannel | None
) -> list[str]:
    """Why a card cannot notify the role, if so."""
    role = guild.get_role(next(iter(ids_in(kept)), 0))
    if role is None:
        return ["⚠️ The role that a card notifies is gone. Choose another one."]
    granted = guild.me.guild_permissions if channel is None else channel.permissions_for(guild.me)
    if role.mentionable or granted.mention_everyone:
        return []
    return [
        f"⚠️ I cannot notify {role.mention}. Allow anyone to mention it in its settings, or give me "
        "Mention Everyone in the staff channel."
    ]


def _missing(granted: discord.Permissions, needed: tuple[str, ...]) -> str:
    return ", ".join(_NAMES[name] for name in needed if not getattr(granted, name))


def panel(interaction: discord.Interaction[Any], settings: ServerSettings) -> discord.ui.View:
    """The menus and buttons, which show what is chosen."""
    return view(
        StaffChannelMenu(settings),
        StaffRolesMenu(settings),
        MentionRoleMenu(settings),
        LanguageMenu(settings, interaction.client.concierge.responses.languages),
        *(SetupButton(name) for name in _LABELS),
    )


async def change(interaction: discord.Interaction[Any], how: Change) -> None:
    """Saves a change, and shows the panel as it is then."""
    if not await require_admin(interaction) or (desk := await desk_of(interaction)) is None:
        return
    assert interaction.guild_id is not None  # an admin is one of a server
    server = reference(interaction.guild_id)
    settings = await desk.change_settings(server, how)
    await show_panel(interaction, desk, settings)


async def show_panel(
    interaction: discord.Interaction[Any], desk: Desk, settings: ServerSettings
) -> None:
    """Puts the panel in the place of the message whose menu or button was used."""
    text = shown(interaction, settings, desk.clock())
    await interaction.response.edit_message(content=text, view=panel(interaction, settings))


def _chosen(interaction: discord.Interaction[Any]) -> list[int]:
    """The ids that were picked in a menu."""
    data: Any = interaction.data or {}
    return [int(value) for value in data.get("values", [])]


def _preset(
    of: discord.SelectDefaultValueType, *kept: str | None
) -> list[discord.SelectDefaultValue]:
    """What a menu shows as chosen: these references, without those that are not Discord's."""
    return [
        discord.SelectDefaultValue(id=ids[0], type=of) for each in kept if (ids := ids_in(each))
    ]


async def _refuse(interaction: discord.Interaction[ConciergeBot], sentence: str) -> None:
    """Says why a choice was not saved; others than admins learn that they may not choose."""
    if await require_admin(interaction):
        await respond(interaction, sentence)


class StaffChannelMenu(ConciergeItem, template=r"setup:channel"):
    """Where cards go; nothing chosen: no one is handed over."""

    log_name = "Choosing a staff channel"

    def __init__(self, settings: ServerSettings | None = None) -> None:
        kept = settings.staff_channel if settings is not None else None
        super().__init__(
            discord.ui.ChannelSelect(
                custom_id="setup:channel",
                channel_types=[discord.ChannelType.text],
                placeholder="Staff channel: where requests for a person go",
                min_values=0,
                max_values=1,
                default_values=_preset(discord.SelectDefaultValueType.channel, kept),
            )
        )

    async def pressed(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Saves the channel, which must be one of this server."""
        ids = _chosen(interaction)
        if ids and (interaction.guild is None or interaction.guild.get_channel(ids[0]) is None):
            await _refuse(
                interaction, "I cannot see that channel on this server. Choose another one."
            )
            return
        channel = reference(ids[0]) if ids else None
        await change(interaction, lambda settings: replace(settings, staff_channel=channel))


class StaffRolesMenu(ConciergeItem, template=r"setup:roles"):
    """Whose members may work on cards."""

    log_name = "Choosing staff roles"

    def __init__(self, settings: ServerSettings | None = None) -> None:
        roles = settings.staff_roles if settings is not None else ()
        super().__init__(
            discord.ui.RoleSelect(
                custom_id="setup:roles",
                placeholder="Staff roles: who may take on a request",
                min_values=0,
                max_values=MAX_ROLES,
                default_values=_preset(discord.SelectDefaultValueType.role, *roles[:MAX_ROLES]),
            )
        )

    async def pressed(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Saves the roles; not that of everybody, which customers have, too."""
        ids = _chosen(interaction)
        if interaction.guild_id in ids:
            await _refuse(interaction, "Everybody has the role @everyone. Choose another one.")
            return
        roles = tuple(map(reference, ids))
        await change(interaction, lambda settings: replace(settings, staff_roles=roles))


class MentionRoleMenu(ConciergeItem, template=r"setup:mention"):
    """Which role a card notifies; nothing chosen: none."""

    log_name = "Choosing a role to notify"

    def __init__(self, settings: ServerSettings | None = None) -> None:
        kept = settings.mention_role if settings is not None else None
        super().__init__(
            discord.ui.RoleSelect(
                custom_id="setup:mention",
                placeholder="Role to notify about each new card",
                min_values=0,
                max_values=1,
                default_values=_preset(discord.SelectDefaultValueType.role, kept),
            )
        )

    async def pressed(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Saves the role; not that of everybody."""
        ids = _chosen(interaction)
        if interaction.guild_id in ids:
            await _refuse(interaction, "That would notify everybody. Choose another role.")
            return
        role = reference(ids[0]) if ids else None
        await change(interaction, lambda settings: replace(settings, mention_role=role))


class LanguageMenu(ConciergeItem, template=r"setup:language"):
    """In which language customers are answered."""

    log_name = "Choosing a language"

    def __init__(
        self, settings: ServerSettings | None = None, languages: tuple[str, ...] = (ENGLISH,)
    ) -> None:
        chosen = settings.locale if settings is not None else None
        options = [
            discord.SelectOption(
                label="Language: as Discord says", value=_AS_DISCORD_SAYS, default=chosen is None
            )
        ]
        options += [
            discord.SelectOption(
                label=f"Language: {_language_name(code)}", value=code, default=code == chosen
            )
            for code in languages[: MAX_OPTIONS - 1]
        ]
        super().__init__(discord.ui.Select(custom_id="setup:language", options=options))

    async def pressed(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Saves the language."""
        data: Any = interaction.data or {}
        (value,) = data["values"]
        locale = None if value == _AS_DISCORD_SAYS else value
        await change(interaction, lambda settings: replace(settings, locale=locale))


_LABELS = {
    "hours": "Hours",
    "numbers": "Reminder and retention",
    "private_threads": "Private threads on/off",
    "alerts": "Alerts on/off",
    "digest": "Weekly digest on/off",
}
_SWITCHES = ("private_threads", "alerts", "digest")
"""Buttons that turn the setting of the same name on and off."""


class SetupButton(ConciergeItem, template=rf"setup:(?P<name>{'|'.join(_LABELS)})"):
    """Opens a form, or turns something on and off."""

    log_name = "Changing the set-up"

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__(
            discord.ui.Button(
                label=_LABELS[name],
                style=discord.ButtonStyle.secondary,
                custom_id=f"setup:{name}",
            )
        )

    async def pressed(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Asks for the values that are to be set."""
        if self._name in _SWITCHES:
            await change(interaction, self._switch)
            return
        if not await require_admin(interaction) or (desk := await desk_of(interaction)) is None:
            return
        assert interaction.guild_id is not None
        settings = await desk.store.settings(reference(interaction.guild_id))
        form = HoursForm(settings) if self._name == "hours" else NumbersForm(settings)
        await interaction.response.send_modal(form)

    def _switch(self, old: ServerSettings) -> ServerSettings:
        changed: dict[str, Any] = {self._name: not getattr(old, self._name)}
        return replace(old, **changed)


class SetupForm(discord.ui.Modal):
    """A form of some text fields."""

    log_name = "A form of the set-up"

    def field(self, label: str, text: str, value: str, **more: Any) -> discord.ui.TextInput[Any]:
        """Adds a field that shows the present value."""
        made: discord.ui.TextInput[Any] = discord.ui.TextInput(
            default=value, required=False, **more
        )
        self.add_item(discord.ui.Label(text=label, description=text, component=made))
        return made

    def read(self) -> Change:
        """What to change. Raises ValueError with a sentence where a field cannot be read."""
        raise NotImplementedError

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Saves what was written, or says what is wrong with it."""
        bot: ConciergeBot = interaction.client
        async with bot.last_resort(self.log_name, in_private(interaction), user_of(interaction)):
            try:
                how = self.read()
            except ValueError as error:
                await respond(interaction, f"Nothing has changed. {error}")
            else:
                await change(interaction, how)


class HoursForm(SetupForm, title="Hours"):
    """When staff can look, and when they are not to be disturbed."""

    def __init__(self, settings: ServerSettings) -> None:
        super().__init__()
        self._hours = self.field(
            "Working hours",
            f"Days and times on each line, as {EXAMPLE}; or: always",
            show_hours(settings.working_hours),
            style=discord.TextStyle.paragraph,
            max_length=500,
            custom_id="hours",
        )
        self._zone = self.field(
            "Time zone",
            "Region and city, such as Europe/Berlin",
            settings.time_zone,
            max_length=60,
            custom_id="zone",
        )
        self._quiet = self.field(
            "Quiet hours",
            f"Without alerts and digest, such as {QUIET_EXAMPLE}; or: {NONE}",
            show_quiet_hours(settings.quiet_hours),
            max_length=20,
            custom_id="quiet",
        )

    def read(self) -> Change:
        """Raises HoursError."""
        hours, zone = read_hours(self._hours.value), read_time_zone(self._zone.value)
        quiet = read_quiet_hours(self._quiet.value)
        return lambda settings: replace(
            settings, working_hours=hours, time_zone=zone, quiet_hours=quiet
        )


class NumbersForm(SetupForm, title="Reminder and retention"):
    """Minutes until a card is brought up again, and days until figures are deleted."""

    def __init__(self, settings: ServerSettings) -> None:
        super().__init__()
        self._minutes = self.field(
            "Reminder, in minutes",
            "When an unclaimed request is brought up once more; 0: never",
            str(settings.reminder_minutes),
            max_length=10,
            custom_id="minutes",
        )
        self._days = self.field(
            "Retention, in days",
            "How long figures and closed requests are kept",
            str(settings.retention_days),
            max_length=10,
            custom_id="days",
        )

    def read(self) -> Change:
        """Raises ValueError."""
        minutes = _number(self._minutes.value, "The reminder", 0, MAX_REMINDER_MINUTES)
        days = _number(self._days.value, "The retention", 1, MAX_RETENTION_DAYS)
        return lambda settings: replace(settings, reminder_minutes=minutes, retention_days=days)


def _number(text: str, name: str, low: int, high: int) -> int:
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", text) or not low <= int(text) <= high:
        raise ValueError(f"{name} must be a whole number from {low:,} to {high:,}.")
    return int(text)


def _preview(interaction: discord.Interaction[Any], settings: ServerSettings) -> list[str]:
    """What a customer reads who asks for a person, in the language of the server."""
    bot: ConciergeBot = interaction.client
    on_discord = str(interaction.guild_locale) if interaction.guild_locale is not None else None
    locale = settings.locale or on_discord
    to = replace(user_of(interaction), locale=locale, place=None)
    lines = []
    for kind, when in _occasions(settings):
        quoted = bot.concierge.say(kind, to).text.replace("\n", "\n> ")
        lines += [when, f"> {quoted}"]
    return lines


def _occasions(settings: ServerSettings) -> list[tuple[Kind, str]]:
    """The kinds of reply to somebody who asks for a person, and when each is said."""
    if settings.staff_channel is None:
        return [(Kind.PERSON, "A customer who asks for a person reads, for instance:")]
    handed_over = (Kind.HANDED_OVER, "A customer who asks for a person reads, for instance:")
    out_of_hours = (Kind.OUT_OF_HOURS, "Outside the working hours:")
    return [handed_over, out_of_hours] if settings.working_hours else [handed_over]
