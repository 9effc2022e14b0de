"""Makes docs/conversation.svg: a real conversation in a real terminal, drawn.

    make picture

Runs `python -m bot chat` on a pseudo-terminal, types the lines below, and draws what a terminal
emulator then shows. The replies are the serving checkpoint's; run it where one is.
"""

import io
import os
import re
import sys
import time
from itertools import groupby
from pathlib import Path

import pexpect
import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

PICTURE = Path(__file__).with_name("conversation.svg")
WIDTH, HEIGHT = 92, 60
REVIEWS = (
    "Watched it twice this week. The ending had me in tears, what a cast!",
    "two hours of my life gone, boring from start to finish",
    "why",
    "The trailer is dreadful, but the film itself is a joy.",
    "what time is it?",
    "Das war ein ganz wunderbarer Film",
    "history",
)


def main() -> None:
    """Holds the conversation and writes the picture."""
    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.Stream(screen)
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    chat = pexpect.spawn(
        sys.executable,
        ["-m", "bot", "chat"],
        dimensions=(HEIGHT, WIDTH),
        encoding="utf-8",
        env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
    )
    # The emulator answers when the program asks where the cursor is, as a terminal does.
    screen.write_process_input = chat.send  # type: ignore[method-assign]

    def wait_for(last_line: str) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                stream.feed(chat.read_nonblocking(4096, timeout=0.5))
            except pexpect.TIMEOUT:
                if screen.display[screen.cursor.y].strip() == last_line:
                    return
            except pexpect.EOF:
                if last_line:
                    sys.exit("The chat ended; start `python -m bot chat` to see why.")
                return
        sys.exit(f"The chat did not come to {last_line!r}.")

    wait_for("You:")
    for review in REVIEWS:
        chat.sendline(review)
        wait_for("You:")
    chat.sendeof()
    wait_for("")
    _draw(screen)
    print(f"Wrote {PICTURE}")


def _draw(screen: pyte.Screen) -> None:
    rows = [_row(screen, number) for number in range(HEIGHT)]
    while not rows[-1].plain.strip():
        rows.pop()
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text("\n").join(rows))
    drawing = console.export_svg(title="make chat")
    # Without the fonts that the picture would fetch from elsewhere: any monospaced one will do.
    PICTURE.write_text(re.sub(r"@font-face \{.*?\}", "", drawing, flags=re.DOTALL))


def _row(screen: pyte.Screen, number: int) -> Text:
    row = Text()
    cells = [screen.buffer[number][column] for column in range(WIDTH)]
    for style, run in groupby(cells, key=_style):
        row.append("".join(cell.data for cell in run), style)
    row.rstrip()
    return row


def _style(cell: pyte.screens.Char) -> Style:
    if cell.fg == "default":
        return Style(bold=cell.bold)
    # A colour beyond the basic ones comes as bare hexadecimal; dark yellow is called brown.
    colour = f"#{cell.fg}" if re.fullmatch("[0-9a-f]{6}", cell.fg) else cell.fg
    return Style(color=colour.replace("brown", "yellow"), bold=cell.bold)


if __name__ == "__main__":
    main()
