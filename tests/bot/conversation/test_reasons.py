"""Which messages after a verdict ask for its reasons."""

import pytest

from bot.conversation.reasons import asks_why


@pytest.mark.parametrize(
    "text",
    [
        *(
            "why?",
            "Why",
            "how come?",
            "and why is that?",
            "whys that",
            "why negative?",
            "pls explain why",
        ),
        *("why do you think so?", "why'd you say that", "wait, why do you think I didn't like it?"),
        *("what makes you say that", "what made you come to that conclusion", "what gave it away?"),
        *("how did you get that from my message?", "how do you know?", "how can you tell?"),
        *("which words made you think that?", "which of my words made you decide?"),
        *(
            "could you explain your reasoning please",
            "explain",
            "based on what lol",
            "may I ask why?",
            "Really?",
            "are you sure about that?",
            "I have a question: why do you think so?",
        ),
        *("where did you get that from?", "why can't you tell?", "why are you asking me that"),
        *("What\u2019s your reasoning?", "I'd like to know why", "on what grounds?"),
    ],
)
def test_a_question_for_reasons(text: str) -> None:
    assert asks_why(text)


@pytest.mark.parametrize(
    "text",
    [
        *("why not", "why bother", "why would I like it", "why was it so bad", "why is it so good"),
        *(
            "why did they kill him off",
            "explain the ending to me",
            "what made the director do that",
        ),
        *("how come nobody warned me about the ending", "why is the sky blue", "how do you do"),
        *(
            "how did you like it?",
            "what did you think of it",
            "how can you help me",
            "you made me laugh",
        ),
        *("really", "why are you sorry", "why should I believe a bot", "I don't know why I went"),
        *("", "?", "no", f"why do you think {'so ' * 20}"),
    ],
)
def test_no_question_for_reasons(text: str) -> None:
    assert not asks_why(text)
