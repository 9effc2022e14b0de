"""Who may use the server: programs with a key, this machine alone, or visitors of the page too."""

import ipaddress
from dataclasses import dataclass

from bot.errors import SettingsError
from bot.settings import Settings

LOCAL, VISITOR = "local", "(visitor)"
"""In place of a key's name: on a server without keys, and for a visitor of the public page. No key
can have the second name, and the first is used only where there are none."""

VISITOR_PATHS = ("/v1/answer", "/v1/choose", "/v1/explain")
"""What the page needs; all else takes a key."""

MAX_VISITOR_CHARACTERS = 4_000
"""Of one text: as on Discord. Longer ones cost the model up to two hundred times as much as a short
review, and visitors need no key."""

IPV6_HOST_BITS = 64
"""One household or one machine has as many addresses as it likes."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use one server, from its start on."""

    needs_key: bool
    """Otherwise only this machine is let in."""
    has_visitors: bool = False
    """People without a key may use the page."""
    origins: tuple[str, ...] = ()
    """Of the sites that may show the page in a frame."""
    proxies: tuple[str, ...] = ()
    """Networks of the reverse proxies that are trusted to name a visitor's address."""

    @classmethod
    def private(cls, setting: str, host: str, *, has_keys: bool) -> "Access":
        """For programs alone, on `host`, the value of `setting`.

        Raises SettingsError: others could use it without a key.
        """
        if not (has_keys or is_loopback(host)):
            raise SettingsError(
                f"{setting} is {host}, which others can reach, but there is no key that they must "
                "give. Create one first: python -m bot http-key add NAME"
            )
        return cls(needs_key=has_keys)

    @classmethod
    def of(cls, settings: Settings, *, has_keys: bool) -> "Access":
        """Decides by the settings, and by whether there are keys.

        Raises SettingsError: others could use all of the server without a key, or visitors of a
        website could open the chat but not use it.
        """
        is_public = settings.http_public_page
        private = cls.private("HTTP_HOST", settings.http_host, has_keys=has_keys or is_public)
        if settings.http_widget_origins and has_keys and not is_public:
            raise SettingsError(
                "HTTP_WIDGET_ORIGINS lets other websites show the chat, but their visitors have no "
                "key: set HTTP_PUBLIC_PAGE=yes too, or remove HTTP_WIDGET_ORIGINS"
            )
        return cls(
            needs_key=private.needs_key,
            has_visitors=is_public,
            origins=settings.http_widget_origins,
            proxies=settings.http_proxies,
        )


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    name: str
    """Of the key, or what stands in its place."""
    network: str | None = None
    """Of a visitor, who has nothing else that could be limited; None for all others."""

    @classmethod
    def visitor(cls, address: str | None) -> "Caller":
        """A visitor with this IP address; unreadable ones share their limits."""
        return cls(VISITOR, _network(address or ""))

    @property
    def limited(self) -> tuple[str, ...]:
        """Whose texts are counted together. No conversation of a visitor has the same names."""
        return (self.name,) if self.network is None else (self.name, "address", self.network)


def is_loopback(host: str) -> bool:
    """Whether an IP address belongs to this machine alone. Raises ValueError: it is none."""
    return ipaddress.ip_address(host).is_loopback


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ipaddress.ip_network((ip, IPV6_HOST_BITS), strict=False))
        ip = ip.ipv4_mapped
    return str(ip)
