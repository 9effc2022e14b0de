"""Who may steer the bot: its owner on the platform, and those whom the settings list.

A server's administrator is not among them: what costs this machine is for the one who runs it.
A front end says who asks; whether they may is decided here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.errors import SettingsError


class NotAllowedError(Exception):
    """Who asks is no operator."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for something. Ids are the platform's, and opaque here."""

    id: str
    name: str
    """As it is shown to others."""
    roles: frozenset[str] = frozenset()
    everyone: str | None = None
    """The role that everybody has where they ask, if there is such a role."""
    is_owner: bool = False
    """Whether the bot is theirs on the platform."""


@dataclass(frozen=True, slots=True)
class Operators:
    """Whom the settings list, besides the owner."""

    users: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    def may(self, caller: Caller) -> bool:
        """Whether they may do what operators do."""
        granted = any(self.grants(role, caller.everyone) for role in caller.roles)
        return caller.is_owner or caller.id in self.users or granted

    def grants(self, role: str, everyone: str | None) -> bool:
        """Whether a role makes its holders operators; never the role that everybody has."""
        return role in self.roles and role != everyone

    def require(self, caller: Caller) -> None:
        """Raises NotAllowedError if they may not."""
        if not self.may(caller):
            raise NotAllowedError

    def refuse_everyone(self, roles: Iterable[str]) -> None:
        """Raises SettingsError if one of `roles`, which everybody in a place has, is listed."""
        for role in roles:
            if role in self.roles:
                raise SettingsError(
                    f"OPERATOR_ROLES holds {role}, the id of a server and of the role that "
                    "everybody in it has: name another role, or people in OPERATOR_USERS"
                )
