"""Discord's ids as the desk's store keeps them: `discord:123`, of a message `discord:123:456`."""

import re

_REFERENCE = re.compile(r"discord:([0-9]{1,20})(?::([0-9]{1,20}))?")


def reference(*ids: int) -> str:
    """How the store knows a server, a channel, a role or a person; a message by its channel too."""
    return ":".join(("discord", *map(str, ids)))


def ids_in(kept: str | None) -> tuple[int, ...]:
    """The ids of a reference, as they were given; none where it is not one of Discord's."""
    found = _REFERENCE.fullmatch(kept or "")
    return () if found is None else tuple(int(each) for each in found.groups() if each is not None)
