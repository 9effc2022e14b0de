"""Makes docs/discord.svg: a real conversation on the loopback Discord, drawn as Discord shows it.

    make picture

Starts `python -m bot` as a process, lets people write to it and press a button, and draws the
messages that the server received. The replies are the serving checkpoint's; run it where one is.
"""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from xml.etree import ElementTree

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from tests.discord_server import DiscordServer, Interaction, Message, Posted, bot_process_argv
from tests.discord_server.messages import EPHEMERAL

PICTURE = Path(__file__).with_name("discord.svg")
CHECKOUT = Path(__file__).parents[1]
NAME = "Review Concierge"
PRAISE = "Watched it twice this week. The ending had me in tears, what a cast!"
MIXED = "Not sure what to think. Great cast, weak story."
COMPLAINT = "two hours of my life gone, boring from start to finish"

WIDTH, MARGIN, LEFT, LINE = 760, 16, 72, 22
FONT = "'gg sans', 'Noto Sans', 'Helvetica Neue', Helvetica, Arial, sans-serif"
BACKGROUND, TEXT, FAINT, BRIGHT = "#313338", "#dbdee1", "#949ba4", "#f2f3f5"
BUTTON, BLURPLE, PRIVATE, MENTION = "#4e5058", "#5865f2", "#393c48", "#c9cdfb"
AVATARS = {"maria": "#eb459e", "adam": "#3ba55c", "olga": "#faa61a"}

Run = tuple[str, dict[str, str]]
"""Text, and the attributes of its <tspan>."""

# What Discord's Markdown is drawn as here: the marks that the bot uses, and mentions.
_MARKS = {
    "**": {"font-weight": "700", "fill": BRIGHT},
    "__": {"text-decoration": "underline"},
    "~~": {"text-decoration": "line-through"},
}
_TOKEN = re.compile(r"<@!?(?P<user>\d+)>|(?P<mark>\*\*|__|~~)|\\(?P<escaped>.)", re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """A message as it stood when it was received."""

    message: Message
    content: str
    buttons: tuple[str, ...] = ()


def main(home: Path = Path(), picture: Path = PICTURE) -> None:
    """Holds the conversation with the checkpoint that serves in `home`, and draws it."""
    server = DiscordServer()
    server.bot.payload["username"] = NAME
    # In a folder of its own, as the state of a real bot may lie in `home`.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "checkpoints").symlink_to(home.resolve() / "checkpoints")
        shown = asyncio.run(_converse(server, folder))
    picture.write_bytes(_draw(server, shown))
    print(f"Wrote {picture}")


async def _converse(server: DiscordServer, folder: str) -> list[Shown]:
    """What was said, in order, with a bot that runs in `folder`."""
    settings = {"DISCORD_TOKEN": server.token, "LOG_LEVEL": "WARNING"}
    async with server:
        bot = await asyncio.create_subprocess_exec(
            *bot_process_argv(server),
            cwd=folder,
            env={**os.environ, **settings, "PYTHONPATH": str(CHECKOUT)},
        )
        try:
            await server.wait_until(lambda: bot.returncode is not None or server.identifies, 120)
            if bot.returncode is not None:
                sys.exit("The bot ended; it says above why.")
            await server.ready(60)
            return await _script(server)
        finally:
            if bot.returncode is None:
                bot.terminate()
            await asyncio.wait_for(bot.wait(), 30)


async def _script(server: DiscordServer) -> list[Shown]:
    shown: list[Shown] = []

    def show(message: Message) -> None:
        buttons = _labels(message.components) if isinstance(message, Posted) else ()
        shown.append(Shown(message, message.content, tuple(buttons)))

    for author, review in (
        (server.member, PRAISE),
        (server.admin, MIXED),
        (server.owner, COMPLAINT),
    ):
        said = await server.say(server.channel, review, author=author)
        reply = await server.wait_for_reply(said, 30)
        show(server.message(said))
        show(reply)
        if review is PRAISE and "Why?" in shown[-1].buttons:
            pressed = await server.press(reply, "why", author=author)
            # Deferred first: the text fills the place.
            show(await server.wait_until(partial(_answer_to, server, pressed), 60))
    return shown


def _answer_to(server: DiscordServer, interaction: Interaction) -> Posted | None:
    return next((post for post in server.messages if post.interaction is interaction), None)


def _labels(components: list[dict[str, object]]) -> Iterator[str]:
    for component in components:
        if "label" in component:
            yield str(component["label"])
        inner = component.get("components", [])
        assert isinstance(inner, list)
        yield from _labels(inner)


# The drawing


def _draw(server: DiscordServer, shown: list[Shown]) -> bytes:
    picture = ElementTree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg"})
    page = ElementTree.SubElement(picture, "g", {"font-family": FONT, "font-size": "16"})
    background = _add(page, "rect", width=WIDTH, rx=8, fill=BACKGROUND)
    _text(page, MARGIN, 32, [("# ", {"fill": FAINT}), (server.channel.name, _MARKS["**"])])
    _add(page, "rect", y=48, width=WIDTH, height=1, fill="#26272b")
    y = 64
    for item in shown:
        y = _draw_message(page, server, item, y) + 16
    background.set("height", str(y))
    picture.set("viewBox", f"0 0 {WIDTH} {y}")
    for element in (picture, page, *page):  # not within texts, where blanks would show
        element.tail = "\n"
    drawing: bytes = ElementTree.tostring(picture, encoding="utf-8")
    return drawing


def _draw_message(page: ElementTree.Element, server: DiscordServer, item: Shown, top: int) -> int:
    """Draws a message below `top`; returns where it ends."""
    message, payload = item.message, item.message.payload
    private = bool(payload["flags"] & EPHEMERAL)
    tint = _add(page, "rect", y=top - 8, width=WIDTH, fill=PRIVATE if private else "none")
    y = top
    if message.replied_to is not None:
        y = _draw_reference(page, server, message.replied_to, y)
    author = payload["author"]
    name = author["global_name"] or author["username"]
    colour = AVATARS.get(author["username"], BLURPLE)
    _add(page, "circle", cx=MARGIN + 20, cy=y + 20, r=20, fill=colour)
    initial = _text(page, MARGIN + 20, y + 26, [(name[0], {"fill": "#ffffff"})])
    initial.set("text-anchor", "middle")
    _text(page, LEFT, y + 14, [(name, _MARKS["**"])])
    if author["bot"]:
        x = LEFT + _width(name, bold=True) + 6
        _add(page, "rect", x=x, y=y, width=34, height=17, rx=4, fill=BLURPLE)
        _text(page, x + 5, y + 13, [("APP", {"fill": "#ffffff", "font-size": "12"})])
    y += 16
    for line in item.content.split("\n"):
        small = line.startswith("-# ")
        runs = [
            (text, {"fill": FAINT, **style, "font-size": "13"} if small else style)
            for text, style in _runs(line.removeprefix("-# "), server)
        ]
        for wrapped in _wrapped(runs, WIDTH - LEFT - MARGIN):
            y += LINE
            _text(page, LEFT, y, wrapped)
    y += 6
    if item.buttons:
        y = _draw_buttons(page, item.buttons, y + 4)
    if private:
        y += 18
        note = "Only you can see this · Dismiss message"
        _text(page, LEFT, y, [(note, {"fill": FAINT, "font-size": "13"})])
        y += 6
    tint.set("height", str(y - top + 12))
    return y


def _draw_reference(
    page: ElementTree.Element, server: DiscordServer, answered: Message, top: int
) -> int:
    """The faint line above a reply that says what it answers."""
    corner = f"M{MARGIN + 20},{top + 18} v-4 a6,6 0 0 1 6,-6 h{LEFT - MARGIN - 30}"
    _add(page, "path", d=corner, stroke=BUTTON, **{"stroke-width": 2}, fill="none")
    name = answered.payload["author"]["global_name"]
    runs = [(f"@{name}  ", {}), *_runs(answered.content, server)]
    first, *rest = _wrapped(runs, (WIDTH - LEFT - MARGIN) * 16 // 14 - 40)
    faint = [(text, {"fill": FAINT, "font-size": "14"}) for text, _ in first]
    _text(page, LEFT, top + 13, [*faint, ("…", {"fill": FAINT})] if rest else faint)
    return top + 24


def _draw_buttons(page: ElementTree.Element, labels: tuple[str, ...], top: int) -> int:
    x = LEFT
    for label in labels:
        width = _width(label) + 32
        _add(page, "rect", x=x, y=top, width=width, height=32, rx=8, fill=BUTTON)
        caption = _text(page, x + width // 2, top + 21, [(label, {"font-size": "14"})])
        caption.set("text-anchor", "middle")
        x += width + 8
    return top + 36


def _runs(line: str, server: DiscordServer) -> list[Run]:
    """A line of Markdown as runs of one style."""
    runs: list[Run] = []
    on: list[str] = []
    end = 0

    def style() -> dict[str, str]:
        return {name: value for mark in on for name, value in _MARKS[mark].items()}

    for token in _TOKEN.finditer(line):
        runs.append((line[end : token.start()], style()))
        end = token.end()
        if mark := token["mark"]:
            on.remove(mark) if mark in on else on.append(mark)
        elif user := token["user"]:
            runs.append((f"@{_name(server, int(user))}", {"fill": MENTION}))
        else:
            runs.append((token["escaped"], style()))
    return [run for run in [*runs, (line[end:], style())] if run[0]]


def _name(server: DiscordServer, user: int) -> str:
    payload = server.world.users[user].payload
    return str(payload["global_name"] or payload["username"])


def _wrapped(runs: list[Run], room: int) -> list[list[Run]]:
    """The runs in lines no wider than `room`, broken at blanks."""
    lines: list[list[Run]] = [[]]
    left = room
    for text, style in runs:
        for word in re.findall(r"\S+\s*|\s+", text):
            width = _width(word, bold="font-weight" in style)
            if width > left and lines[-1]:
                lines.append([])
                left = room
            lines[-1].append((word, style))
            left -= width
    return lines


def _width(text: str, *, bold: bool = False) -> int:
    """In pixels at size 16, in DejaVu Sans: a wide font, so that text in any other one fits."""
    known = re.sub(r"[^\u0020-\u024f\u2010-\u2026]", "M", text)  # an emoji is about as wide
    font = FontProperties(family="DejaVu Sans", size=16, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(known, font, ismath=False)
    return round(width)


def _add(parent: ElementTree.Element, tag: str, **attributes: object) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, {k: str(v) for k, v in attributes.items()})


def _text(parent: ElementTree.Element, x: int, y: int, runs: list[Run]) -> ElementTree.Element:
    text = _add(parent, "text", x=x, y=y, fill=TEXT)
    text.set("xml:space", "preserve")
    for style, words in groupby(runs, key=itemgetter(1)):
        _add(text, "tspan", **style).text = "".join(word for word, _ in words)
    return text


if __name__ == "__main__":
    main()
