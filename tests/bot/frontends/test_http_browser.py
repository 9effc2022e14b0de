"""The page and the widget in a real browser, with a real server on loopback."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from bot.conversation.concierge import Concierge
from bot.conversation.throttle import Throttle
from bot.engine import Engine
from bot.frontends.http import keys
from bot.sentences.responses import Responses
from tests.bot.frontends.browser import Page, chromium, find_missing, read_log
from tests.bot.frontends.http_server import http_settings, served
from tests.bot.stub import OTHER_KINDS, KeywordClassifier
from tests.marker import MARKER, marked
from trainer.model.classifier import Classifier

UNLIMITED = {"messages_per_second": 0, "http_texts_per_second": 0}
SIZES = ((1280, 800), (390, 780), (320, 480))


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One browser for all tests. Its profile is searched for the marker when the session ends."""
    if (sentence := find_missing()) is not None:
        pytest.skip(sentence)
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(autouse=True)
def _nothing_is_refused(driver: Chrome) -> Iterator[None]:
    """No script fails, and the page's own policy forbids nothing that it does."""
    read_log(driver)
    yield
    messages = [each["message"] for each in read_log(driver) if each["source"] != "network"]
    driver.get("about:blank")
    expected = ("frame-ancestors", "does not show its chat")  # where the widget is refused
    assert [each for each in messages if not any(word in each for word in expected)] == []


@asynccontextmanager
async def _page(driver: Chrome, concierge: Concierge, **settings: object) -> AsyncIterator[Page]:
    chosen = http_settings(**{**UNLIMITED, **settings})
    async with served(concierge, chosen):
        yield await asyncio.to_thread(Page, driver, f"http://127.0.0.1:{chosen.http_port}/")


async def test_a_customer_types_and_reads_the_verdict_of_a_model(
    driver: Chrome, checkpoint: Path
) -> None:
    def talk(page: Page) -> None:
        assert page.texts(".bot")[0].endswith("What did you think of the last film you saw?")
        reply = page.say(marked("what a wonderful film"))
        assert reply.find_element(By.CLASS_NAME, "label").text == "Positive"
        percent = reply.find_element(By.CLASS_NAME, "percent").text
        assert 50 < int(percent.removesuffix("%")) <= 100
        assert reply.find_element(By.CLASS_NAME, "text").text in praise
        page.button("Why?").click()
        page.until(lambda: page.texts(".weighed")[0].startswith(f"Positive {percent}, negative "))

    file = Path(__file__).parents[3] / "responses.yaml"
    lists = yaml.safe_load(file.read_text("utf-8"))
    praise = [*lists["positive"], *lists["positive_mild"], *lists["positive_strong"]]
    engine = Engine(Classifier.load(checkpoint))
    concierge = Concierge(engine, Responses.load(file))
    async with engine, _page(driver, concierge) as page:
        await asyncio.to_thread(talk, page)


async def test_the_words_that_counted_are_marked_in_the_message(
    driver: Chrome, concierge: Concierge
) -> None:
    lines = [marked("a great  film"), "with a <i>dull</i>  end"]

    def talk(page: Page) -> None:
        page.find("#text").send_keys(lines[0])
        page.press_with_shift(Keys.ENTER)
        page.say(lines[1])
        said = page.run("document.querySelector('.customer .text').textContent")
        assert said == "\n".join(lines)
        page.button("Why?").click()
        page.until(lambda: page.all(".explanation"))
        assert page.texts(".customer mark.strong") == ["great"]
        assert page.texts(".explanation li") == ["Carried it: great"]
        assert page.style(".customer mark", "font-weight") == "700"  # not the colour alone
        assert page.run("document.querySelector('.customer .text').textContent") == said
        page.button("Why?").click()
        assert page.all(".customer mark") == []
        assert not page.find(".explanation").is_displayed()

    async with _page(driver, concierge) as page:
        await asyncio.to_thread(talk, page)


async def test_a_question_is_answered_and_a_verdict_withdrawn(
    driver: Chrome, concierge: Concierge
) -> None:
    def talk(page: Page) -> None:
        page.say(marked("rather great"))
        assert page.texts(".question button")[:3] == [
            "👍 I liked it",
            "👎 I didn't",
            "A bit of both",
        ]
        page.button("👍").click()
        page.until(lambda: "a positive sentence" in page.texts(".bot .text"))
        assert page.texts(".customer .text")[-1] == "👍 I liked it"
        assert page.all(".question button") == []
        assert page.focused == "text"
        page.say("no, I hated it")
        assert page.texts(".bot .text")[-2:] == [
            "a withdrawn sentence",
            "a corrected_negative sentence",
        ]
        # A verdict that has been explained, too.
        page.say(marked("a great film"))
        page.button("Why?").click()
        page.until(lambda: page.all(".customer mark"))
        page.say("no, I hated it")
        assert page.texts(".bot .text")[-2] == "a withdrawn sentence"
        assert page.all(".withdrawn .verdict, .withdrawn button, .withdrawn .explanation") == []
        assert page.all("mark") == []
        for said in ("you idiot", "you stupid bot"):
            page.say(said)
        assert page.texts(".bot .text")[-2:] == [
            "a abuse sentence",
            "(I do not reply to further insults.)",
        ]
        page.say(OTHER_KINDS["greeting"])
        assert page.all(".bot")[-1].text.endswith(
            "a greeting sentence"
        )  # neither verdict nor button

    async with _page(driver, concierge) as page:
        await asyncio.to_thread(talk, page)


async def test_it_says_that_it_thinks_and_what_went_wrong(
    driver: Chrome, classifier: KeywordClassifier, responses: Responses
) -> None:
    seconds = [0.0]

    def talk(page: Page) -> None:
        classifier.gate.clear()
        page.write(marked("a great film"))
        status, problem, text = page.find("#status"), page.find("#problem"), page.find("#text")
        assert (status.aria_role, problem.aria_role) == ("status", "alert")
        page.until(lambda: status.text == "Thinking")
        page.write(marked("a dull film"))
        assert "Wait for the reply" in problem.text
        classifier.gate.set()
        page.until(lambda: len(page.all(".bot")) == 2)
        page.until(lambda: status.text == problem.text == "")
        page.connect(False)
        page.press(Keys.ENTER)  # what was typed meanwhile is still there
        page.until(lambda: "cannot be reached" in page.texts(".problem .text")[0])
        page.connect(True)
        page.button("Send again").click()
        page.until(lambda: page.texts(".problem .text") == ["a haste sentence"])
        again = page.button("Send again in ")
        again.click()
        assert page.texts(".problem .text") == ["a haste sentence"]  # not yet
        page.until(lambda: again.text == "Send again")
        assert status.text == "You can try again now."
        seconds[0] += 4
        again.click()
        page.until(lambda: page.texts(".bot .text")[-1] == "a negative sentence")
        assert page.all(".problem") == []
        page.run("void (document.getElementById('text').value = 'x'.repeat(4003))")
        page.press("x", Keys.ENTER)
        assert problem.text == "This is too long: I read up to 4,000 characters at once."
        assert page.find("#length").text == "4 characters too long"
        assert text.get_attribute("aria-invalid") == "true"

    chosen = {"messages_per_second": 0.25, "http_public_page": True}
    engine = Engine(classifier)
    concierge = Concierge(engine, responses, Throttle(0.25, lambda: seconds[0]))
    async with engine, _page(driver, concierge, **chosen) as page:
        await asyncio.to_thread(talk, page)


async def test_a_server_that_is_not_ready_says_why_and_when_to_try_again(
    driver: Chrome, concierge: Concierge
) -> None:
    def talk(page: Page) -> None:
        assert "No model is loaded yet." in page.say(marked("a great film")).text
        assert page.button("Send again in ").get_attribute("aria-disabled") == "true"

    chosen = http_settings(**UNLIMITED)
    async with served(concierge, chosen, loaded=asyncio.Event()):
        page = await asyncio.to_thread(Page, driver, f"http://127.0.0.1:{chosen.http_port}/")
        await asyncio.to_thread(talk, page)


async def test_it_works_by_keyboard_and_names_everything(
    driver: Chrome, concierge: Concierge
) -> None:
    def talk(page: Page) -> None:
        log, text = page.find("#log"), page.find("#text")
        assert (log.aria_role, log.accessible_name) == ("log", "Conversation")
        assert log.get_attribute("aria-live") == "polite"
        assert text.accessible_name == "Your message"
        order = []
        for _ in range(3):
            page.press(Keys.TAB)
            order.append(page.focused)
        assert order == ["log", "text", "send"]
        page.press_with_shift(Keys.TAB)
        assert page.style("#text", "outline-style") == "solid"
        page.press(marked("half great, half dull"), Keys.ENTER)
        page.until(lambda: page.all(".question"))
        assert page.focused == "text"
        assert page.texts(".bot:last-child h2") == ["Concierge"]  # who speaks, for a screen reader
        page.press_with_shift(Keys.TAB)
        assert page.focused == "Why?"
        page.press(Keys.SPACE)
        page.until(lambda: page.all(".explanation"))
        assert page.focused == "Why?"
        assert driver.switch_to.active_element.get_attribute("aria-expanded") == "true"
        page.press_with_shift(Keys.TAB)
        assert page.focused == "A bit of both"
        page.press(Keys.ENTER)
        page.until(lambda: page.texts(".bot .text")[-1] == "a both sentence")
        assert page.focused == "text"

    async with _page(driver, concierge) as page:
        await asyncio.to_thread(talk, page)


async def test_it_follows_the_systems_preferences_and_fits_a_phone(
    driver: Chrome, concierge: Concierge
) -> None:
    def talk(page: Page) -> None:
        page.say(marked("half great, half dull " + "x" * 200))
        grounds = set()
        for scheme in ("light", "dark"):
            page.look(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
            grounds.add(page.style("body", "background-color"))
            page.run("document.getElementById('status').classList.add('thinking')")
            moving = "getComputedStyle(document.getElementById('status'), '::after').animationName"
            assert page.run(moving) == "none"
        assert grounds == {"rgba(245, 245, 250, 1)", "rgba(19, 19, 26, 1)"}
        for width, height in SIZES:
            page.look(width, height)
            assert page.run("document.documentElement.scrollWidth") <= width
            send = page.find("#send").rect
            assert send["x"] + send["width"] <= width
            assert send["y"] + send["height"] <= height
            assert page.find("#log").rect["height"] > 100
            for button in filter(WebElement.is_displayed, page.all("button")):
                assert min(button.rect["height"], button.rect["width"]) >= 24

    async with _page(driver, concierge) as page:
        await asyncio.to_thread(talk, page)


async def test_a_key_is_asked_for_and_kept_in_memory_alone(
    driver: Chrome, concierge: Concierge
) -> None:
    secret = keys.add("website", date(2026, 1, 2))

    def talk(page: Page) -> None:
        assert page.focused == "secret"
        assert page.find("#secret").accessible_name == "API key"
        page.press("rc_wrong", Keys.ENTER)
        assert "did not accept this key" in page.say(marked("a great film")).text
        assert page.focused == "secret"
        page.press(secret, Keys.ENTER)  # sends again what was refused
        page.until(lambda: page.texts(".bot .text")[-1] == "a positive sentence")
        for kept in (page.driver.page_source, page.driver.current_url):
            assert secret not in kept
        assert page.find("#secret").get_property("value") == ""

    async with _page(driver, concierge) as page:
        await asyncio.to_thread(talk, page)


async def test_nothing_is_kept_and_text_stays_text(driver: Chrome, concierge: Concierge) -> None:
    said = marked("a great <img src=x onerror=document.title='broken'> & film")

    def talk(page: Page) -> None:
        page.say(said)
        page.button("Why?").click()
        page.until(lambda: page.all(".explanation"))
        assert page.texts(".customer .text") == [said]
        assert page.all("#log img") == []
        assert page.driver.title == "Review Concierge"
        page.find("#text").send_keys(marked("not sent"))
        assert page.driver.get_cookies() == []
        assert page.run("[localStorage.length, sessionStorage.length]") == [0, 0]
        page.driver.refresh()
        assert page.all(".customer") == []
        assert page.find("#text").get_property("value") == ""
        assert MARKER not in page.driver.page_source

    async with _page(driver, concierge) as page:
        await asyncio.to_thread(talk, page)


# On another website

SITE = """\
<!doctype html><html lang="en"><title>A cinema</title><h1>Tonight</h1>
<a href="/">Tickets</a><script src="{bot}widget.js" defer></script>"""


@asynccontextmanager
async def _site(bot: str) -> AsyncIterator[int]:
    """A website with the widget, and a policy that allows the bot and nothing else; its port."""
    policy = f"default-src 'none'; script-src {bot}; frame-src {bot}"

    async def show(_: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": policy}
        return web.Response(text=SITE.format(bot=bot), content_type="text/html", headers=headers)

    app = web.Application()
    app.router.add_get("/", show)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


WIDGET = "document.querySelector('review-concierge')"
FRAME = f"{WIDGET}.shadowRoot.querySelector('iframe')"


async def test_the_widget_opens_the_chat_on_a_website_that_is_allowed(
    driver: Chrome, concierge: Concierge
) -> None:
    chosen = http_settings(http_public_page=True, **UNLIMITED)
    bot = f"http://127.0.0.1:{chosen.http_port}/"

    def talk(port: int) -> None:
        page = Page(driver, f"http://localhost:{port}/")
        page.until(lambda: page.run(f"{WIDGET} !== null"))
        page.press(Keys.TAB, Keys.TAB)
        assert page.run(f"document.activeElement === {WIDGET}")
        assert page.run(FRAME) is None  # nothing is loaded before it is asked for
        page.press(Keys.ENTER)
        page.driver.switch_to.frame(page.until(lambda: page.run(FRAME)))
        page.until(lambda: page.focused == "text")
        assert page.find("header p").is_displayed()  # what it is
        assert page.say(marked("a great film")).text.endswith("a positive sentence\nWhy?")
        page.press(Keys.ESCAPE)
        page.driver.switch_to.default_content()
        page.until(lambda: page.run(f"document.activeElement === {WIDGET}"))
        page.press(Keys.ENTER)  # the conversation is still there
        page.driver.switch_to.frame(page.run(FRAME))
        page.until(lambda: page.focused == "text")
        assert len(page.all(".customer")) == 1
        # By another name, it is another website.
        page = Page(driver, f"http://127.0.0.1:{port}/")
        page.until(lambda: page.run(f"{WIDGET} !== null"))
        page.press(Keys.TAB, Keys.TAB, Keys.ENTER)
        warned = page.until(
            lambda: [
                entry["message"]
                for entry in read_log(driver)
                if "does not show its chat" in entry["message"]
            ]
        )
        assert "HTTP_WIDGET_ORIGINS" in warned[0]

    async with _site(bot) as port:
        allowed = chosen.model_copy(update={"http_widget_origins": (f"http://localhost:{port}",)})
        async with served(concierge, allowed):
            await asyncio.to_thread(talk, port)
