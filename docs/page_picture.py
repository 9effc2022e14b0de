"""Makes docs/page.png: a real conversation on the page of `python -m bot http`, in Chromium.

    make picture

Starts the server as a process. The replies are the serving checkpoint's; run it where one is.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from selenium.webdriver import Chrome

from tests.bot.frontends.browser import Page, chromium, find_missing

PICTURE = Path(__file__).with_name("page.png")
CHECKOUT = Path(__file__).parents[1]
PRAISE = "The trailer is dreadful, but the film itself is a joy."
MIXED = "Not sure what to think. Great cast, weak story."
SIZE = (720, 760)


def main(home: Path = Path(), picture: Path = PICTURE) -> None:
    """Holds the conversation with the checkpoint that serves in `home`, and takes the picture."""
    if (sentence := find_missing()) is not None:
        sys.exit(sentence)
    # In a folder of its own: the keys of a real server may lie in `home`.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "checkpoints").symlink_to(home.resolve() / "checkpoints")
        server = subprocess.Popen(
            [sys.executable, "-m", "bot", "http"],
            cwd=folder,
            env={**os.environ, "HTTP_PORT": "0", "PYTHONPATH": str(CHECKOUT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            address = _when_ready(server)
            with chromium(Path(folder, "profile")) as driver:
                picture.write_bytes(take(driver, address))
        finally:
            server.terminate()
            server.communicate(timeout=60)
    print(f"Wrote {picture}")


def _when_ready(server: "subprocess.Popen[str]") -> str:
    """The server's address, as its log names it."""
    assert server.stderr is not None
    address = ""
    for line in server.stderr:
        if "Listening on " in line:
            address = line.split("Listening on ")[1].strip() + "/"
        elif "Ready: " in line:
            return address
    sys.exit("The server ended; start `python -m bot http` to see why.")


def take(driver: Chrome, address: str) -> bytes:
    """Holds the conversation at the page of the server; the window as a PNG."""
    page = Page(driver, address)
    page.look(*SIZE)
    page.say(PRAISE)
    page.button("Why?").click()
    page.until(lambda: page.all(".explanation"), 60)
    page.say(MIXED)
    page.run("document.activeElement.blur()")
    return driver.get_screenshot_as_png()


if __name__ == "__main__":
    main()
