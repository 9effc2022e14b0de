"""Discord's markup, and the words that are left of it."""

import time

import pytest

from bot.frontends.discord.markup import SOMETHING, plain_text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        # Mentions
        ("<@123> A great film", "A great film"),
        ("A <@!123>great <@&45> film <#67>", "A great film"),
        ("Try </review:123> or </model list:123> in <id:customize>", "Try or in"),
        ("@everyone @here A great film, mail@hereford", "A great film, mail@hereford"),
        ("<@123>", ""),
        ("  \n<@123>\t@here ", ""),
        # Custom emoji, times, addresses
        ("Great <:kekw:123> film <a:party:4>!", "Great film !"),
        ("Seen <t:1700000000> and <t:1700000000:R>", "Seen and"),
        ("Great film https://example.com/a_b_c?d=*e* truly", "Great film truly"),
        ("Great film <https://example.com>", "Great film"),
        ("[A great film](https://example.com/x) it was", "A great film it was"),
        ('[A great film](<https://example.com> "title")', "A great film"),
        ("[sic] and (so on)", "[sic] and (so on)"),
        ("<@1> <:heart:123>", SOMETHING),
        # An address alone stays, to be known for what it is.
        ("<@1> https://example.com/a_b_c", "https://example.com/a_b_c"),
        (
            "<:a:1> <https://example.com> `http://example.org`",
            "https://example.com http://example.org",
        ),
        # Emoji of Unicode are text
        ("Great film 🍿", "Great film 🍿"),
        # Code
        ("`A great film`", "A great film"),
        ("``A `` great film", "A great film"),
        ("```A great film```", "A great film"),
        ("```text\nA great\nfilm\n```", "A great\nfilm"),
        # Quotations
        ("> Dull\nA great film", "A great film"),
        ("A great film\n> Dull\n> So dull\nTruly", "A great film\nTruly"),
        ("A great film\n>>> Dull\nSo dull", "A great film"),
        (">10 euros, <5 people", ">10 euros, <5 people"),
        ("<@123>\n> A great film", "A great film"),
        (">>> A great\nfilm", "A great\nfilm"),
        # Decorations
        ("**A** *great* ***film***", "A great film"),
        ("__A__ _great_ ___film___", "A great film"),
        ("~~A~~ ||great|| film", "A great film"),
        ("**A *great* film**", "A great film"),
        ("||**_A great film_**||", "A great film"),
        ("*A great\nfilm*", "A great\nfilm"),
        ("# A great film\n-# truly", "A great film\ntruly"),
        (r"\*A great film\* ¯\\\_(ツ)\_/¯", r"*A great film* ¯\_(ツ)_/¯"),
        # Not decorations
        ("sh*t, a f*cking great film", "sh*t, a f*cking great film"),
        ("f*** this s***", "f*** this s***"),
        ("**** out of *****", "**** out of *****"),
        ("5 * 3 * 2, snake_case_name, a || b", "5 * 3 * 2, snake_case_name, a || b"),
        ("#1 film, 10/10", "#1 film, 10/10"),
        ("- A great film\n- So dull", "- A great film\n- So dull"),
        ("", ""),
        # The rest
        ("A  great\n\n film ", "A great\n\nfilm"),
    ],
)
def test_the_words_are_left(content: str, words: str) -> None:
    assert plain_text(content) == words


def test_long_texts_are_read_whole() -> None:
    review = ("A great film. " * 300)[:4_000].strip()
    assert plain_text(f"<@123> **{review}**") == review


@pytest.mark.parametrize(
    "piece",
    ["*a ", "_a ", "***", "||a", "~~", "`a", "```", "> a\n", ">>> ", "[a](", "[", "<@1", "https://",
     "<:a", "\\", "**a *b ", "# ", "<t:", "_", " ", "*a_b|"],
)  # fmt: skip
def test_no_text_takes_long(piece: str) -> None:
    content = (piece * 4_000)[:4_000]
    began = time.process_time()  # a busy machine takes its time, but no more of the processor's
    plain_text(content)
    # Quadratic time would be seconds.
    assert time.process_time() - began < 0.5
