"""A real Chromium, driven by its own driver: what a person at the page does and sees."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
DRIVER = shutil.which("chromedriver") or ""

ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--disable-extensions", "--no-proxy-server"),
)

Found = TypeVar("Found")


def find_missing() -> str | None:
    """A sentence where there is no browser to drive."""
    if BROWSER and DRIVER:
        return None
    return "there is no Chromium with a driver on this machine (Debian: chromium chromium-driver)"


@contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """A browser with a new profile, which lies in that folder."""
    options = ChromeOptions()
    options.binary_location = BROWSER
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Selenium would otherwise look for a driver on the internet.
    driver = Chrome(
        options=options, service=Service(DRIVER, env={**os.environ, "LC_ALL": "C.UTF-8"})
    )
    try:
        yield driver
    finally:
        driver.quit()


def read_log(driver: Chrome) -> list[dict[str, Any]]:
    """What the browser has logged since the last call."""
    entries: list[dict[str, Any]] = driver.get_log("browser")  # type: ignore[no-untyped-call]
    return entries


class Page:
    """The page of one server, in a window of its own size and scheme of colours."""

    def __init__(self, driver: Chrome, address: str) -> None:
        self.driver = driver
        self.address = address
        self.look()
        self.connect(True)
        self.open()

    def open(self) -> None:
        self.driver.get(self.address)

    def look(self, width: int = 900, height: int = 700, **media: str) -> None:
        """Sets the size of the window, and media features: prefers_color_scheme="dark"."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [
            {"name": name.replace("_", "-"), "value": value} for name, value in media.items()
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def connect(self, is_online: bool) -> None:
        """Takes the network away, or gives it back."""
        conditions = {"offline": not is_online, "latency": 0}
        throughput = {"downloadThroughput": -1, "uploadThroughput": -1}
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions | throughput)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        return [element.text for element in self.all(selector)]

    def style(self, selector: str, name: str) -> str:
        return self.find(selector).value_of_css_property(name)

    def run(self, script: str) -> Any:
        """What a script returns."""
        return self.driver.execute_script(f"return {script}")

    def until(self, seen: Callable[[], Found], seconds: float = 20) -> Found:
        """Waits until it is true."""
        ignored = (NoSuchElementException, StaleElementReferenceException, IndexError)
        wait = WebDriverWait(self.driver, seconds, 0.05, ignored_exceptions=ignored)
        return wait.until(lambda _: seen())

    def press(self, *keys: str) -> None:
        """Sends keys to whatever has the focus."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def press_with_shift(self, key: str) -> None:
        """Shift+Tab moves the focus back, Shift+Enter begins a new line."""
        ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(key).key_up(Keys.SHIFT).perform()

    def write(self, said: str) -> None:
        """Types a message and sends it."""
        self.find("#text").send_keys(said, Keys.ENTER)

    def say(self, said: str) -> WebElement:
        """Types a message, sends it, and waits for what the page shows as the reply."""
        count = len(self.all(".bot"))
        self.write(said)
        return self.until(lambda: self.all(".bot")[count])

    def button(self, label: str) -> WebElement:
        """The last one whose label begins so."""
        return self.until(
            lambda: [each for each in self.all("button") if each.text.startswith(label)][-1]
        )

    @property
    def focused(self) -> str:
        """The id or the label of what has the focus."""
        element = self.driver.switch_to.active_element
        return element.get_attribute("id") or element.text
