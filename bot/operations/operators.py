"""Who may control the bot: its owner on the platform, and the people and roles in the settings.

A server's administrator is not an operator: using this machine is up to its owner. A front end
names the caller; their permissions are decided here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.errors import SettingsError


class NotAllowedError(Exception):
    """The caller is not an operator."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The person who makes a request. Ids are the platform's, and opaque here."""

    id: str
    name: str
    """The name shown to others."""
    roles: frozenset[str] = frozenset()
    everyone: str | None = None
    """The role that everybody has in the place of the request, if there is one."""
    is_owner: bool = False
    """Whether they own the bot on the platform."""


@dataclass(frozen=True, slots=True)
class Operators:
    """The people and roles in the settings, in addition to the owner."""

    users: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    def may(self, caller: Caller) -> bool:
        """Whether the caller is an operator."""
        granted = any(self.grants(role, caller.everyone) for role in caller.roles)
        return caller.is_owner or caller.id in self.users or granted

    def grants(self, role: str, everyone: str | None) -> bool:
        """Whether a role makes its holders operators; never the role that everybody has."""
        return role in self.roles and role != everyone

    def require(self, caller: Caller) -> None:
        """Raises NotAllowedError if the caller is not an operator."""
        if not self.may(caller):
            raise NotAllowedError

    def refuse_everyone(self, roles: Iterable[str]) -> None:
        """Raises SettingsError if one of `roles`, which all members of a place have, is listed."""
        for role in roles:
            if role in self.roles:
                raise SettingsError(
                    f"OPERATOR_ROLES holds {role}, the id of a server and of the role that "
                    "everybody in it has: name another role, or people in OPERATOR_USERS"
                )
