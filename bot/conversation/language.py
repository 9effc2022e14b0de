"""Is a text English? The model was trained on English and reads nothing else.

py3langid identifies the language: naive Bayes over byte n-grams (Lui and Baldwin 2012, "langid.py:
An Off-the-shelf Language Identification Tool"), retrained for 139 languages. Its model is a file of
arrays in the package, read without unpickling.

Reviews are short and full of slang, titles and foreign names, on which any identifier guesses. So
it gets only informative words, and is believed only if it is sure.
"""

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

MAX_CHARACTERS = 500
"""How much of a text is examined, from its beginning: half a millisecond's work."""

OTHER_SCRIPTS = 1 / 3
"""The minimum share of letters that are not Latin in a foreign text. Less than half, because a
Chinese or Japanese letter says more than a Latin one."""

MIN_RATIO = 30.0
"""How much more probable than English another language must be. Chosen on the starter reviews and
the development sentences in `tests/bot/conversation`, like the rules for informative words."""

MIN_RATIO_DESPITE_ENGLISH = 200.0
"""The same for a text with one of ENGLISH_WORDS, or with an English beginning or end: "very boring
but très chic" is English, and "The Matrix ist für mich der beste Film" is not."""

OPINION_WORDS = (3, 4, 5)
"""The maximum length, in words, of an opinion next to a foreign title."""

ENGLISH_END = 0.3
"""The minimum probability of English for such an opinion. For a sentence in another language it is
at most 0.2 in the development sentences."""

ENGLISH_WORDS = frozenset(
    ("the", "and", "but", "what", "this", "that", "with", "you", "it", "it's", "i'm", "not", "very")
)
"""Frequent words that hardly any other language has."""

VERDICT_WORDS = frozenset((
    "amazing", "annoying", "atrocious", "awesome", "awful", "bad", "banger", "beautiful", "bland",
    "bored", "boring", "brilliant", "charming", "cheesy", "confusing", "crap", "cried", "cringe",
    "crying", "decent", "delightful", "disappointed", "disappointing", "dreadful", "dull",
    "enjoyable", "enjoyed", "entertaining", "epic", "excellent", "fantastic", "fire", "flawless",
    "forgettable", "funny", "garbage", "goat", "good", "gorgeous", "great", "hated", "hilarious",
    "horrible", "incredible", "legend", "liked", "loved", "lovely", "lush", "masterpiece", "meh",
    "mess", "mid", "moving", "outstanding", "overhyped", "overlong", "overrated", "peak", "perfect",
    "phenomenal", "pointless", "poor", "rubbish", "scary", "shit", "sick", "silly", "slaps", "slow",
    "stunning", "stupid", "sucks", "superb", "sweet", "tedious", "terrible", "thrilling", "tragic",
    "trash", "ugly", "unbearable", "underrated", "underwhelming", "unwatchable", "uplifting",
    "waste", "weak", "weird", "wept", "wonderful", "worst", "wow",
))  # fmt: skip
"""Words of judgement in English and in its slang that hardly any other language has."""

CHAT_WORDS = frozenset((
    "bruh", "bussin", "cos", "cuz", "dokie", "dope", "duh", "fam", "gg", "ggwp", "goated", "gotcha",
    "highkey", "huh", "idc", "idk", "iirc", "ikr", "imho", "imo", "innit", "ish", "kk", "legit",
    "lit", "lmao", "lmfao", "lowkey", "mehh", "nah", "naw", "nope", "nuh", "okie", "omfg", "rofl",
    "slay", "smh", "snooze", "snoozefest", "stank", "stinks", "sucked", "tbf", "tbh", "thx", "ty",
    "tysm", "ugh", "uh", "welp", "whatevs", "wtf", "yawn", "yay", "yeh", "yep", "yikes", "yuck",
    "yup", "zzz",
))  # fmt: skip
"""Words of English chat, on which the identifier guesses: two of them are any language to it."""

COMMON_WORDS = ENGLISH_WORDS | VERDICT_WORDS | CHAT_WORDS | frozenset((
    "about", "absolutely", "actually", "again", "all", "almost", "an", "anyone", "awake", "back",
    "be", "because", "been", "best", "better", "bot", "bout", "bravo", "bro", "buh", "bye", "cast",
    "comedy", "could", "did", "didn't", "does", "doesn't", "don't", "dude", "ending", "enough",
    "every", "everyone", "everything", "feel", "first", "found", "fr", "from", "gem", "get", "gg",
    "ggs", "gonna", "gotta", "guys", "haha", "hahaha", "has", "hate", "have", "hello", "hey", "hi",
    "hidden", "hiya", "huge", "i", "im", "isn't", "just", "kinda", "know", "like", "lol", "love",
    "make", "mins", "more", "most", "movie", "movies", "much", "my", "nachos", "never", "ngl",
    "nothing", "of", "ok", "okay", "omg", "one", "only", "out", "plot", "pls", "praise", "really",
    "scene", "second", "see", "seen", "she", "should", "sir", "some", "something", "story", "sushi",
    "than", "thank", "thanks", "their", "them", "there", "they", "think", "tho", "too", "totally",
    "utter", "vibes", "wanna", "wasn't", "watch", "watched", "way", "well", "went", "were", "when",
    "which", "who", "why", "will", "without", "won't", "work", "worth", "would", "yeah", "yes",
    "your",
))  # fmt: skip
"""Words that make a short message English if most of its words are among them. Words that are
frequent in another of LANGUAGES ("was", "no", "me") are left out."""

BESIDE_VERDICTS = frozenset(("so", "is", "was", "film"))
"""Words of several languages that are English next to one of VERDICT_WORDS."""

MIN_COMMON = 0.5
"""The minimum share of words among COMMON_WORDS in an English text."""

MIN_COMMON_THROUGHOUT = 0.25
"""The same if both halves of the text have two of them: a title in a foreign text stands in one."""

LANGUAGES = [
    "af", "az", "bs", "ca", "cs", "da", "de", "en", "es", "et", "eu", "fi", "fr", "ga", "hr",
    "hu", "id", "is", "it", "lt", "lv", "ms", "nl", "nn", "no", "pl", "pt", "ro", "sk", "sl",
    "sq", "sv", "sw", "tl", "tr", "vi",
]  # fmt: skip
"""The languages in Latin letters that are distinguished from English: rarer ones would match
slang."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_BREAK = re.compile(r"[,.;:!?()\n\u2026\u2014\u2013]+")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")


def load_identifier() -> None:
    """Loads the identifier's model, once, in almost a second; otherwise the first text waits."""
    _identifier()


def is_foreign(text: str) -> bool:
    """Whether `text` is clearly not English. Takes under a millisecond, however long it is."""
    # NFKC turns mathematical letters into Latin ones, as a reader would. It would also turn some
    # emoji into Chinese letters, so these are removed first.
    text = text.strip()[:MAX_CHARACTERS]
    if not text.isascii():  # most messages are, and the rest of this takes longer than they do
        text = "".join(" " if _is_emoji(c) else c for c in text)
        text = unicodedata.normalize("NFKC", text)[:MAX_CHARACTERS]
        letters = [character for character in text if character.isalpha()]
        if sum(not _is_latin(letter) for letter in letters) > OTHER_SCRIPTS * len(letters):
            return True
    words = _informative_words(text)
    different = set(words)
    if sum(len(word) > 1 for word in different) < 2:
        return False  # "adorable", "omg omg omg", "S O  G O O D"
    # First what is quick, and true of most messages.
    if _is_plainly_english(words) or _has_english_verdict(text):
        return False
    likelihoods = _likelihoods(words)
    english = likelihoods.pop("en")
    ratio = max(likelihoods.values()) / max(english, 1e-9)
    if ratio <= MIN_RATIO:
        return False
    if ratio > MIN_RATIO_DESPITE_ENGLISH:
        return True
    return not different & ENGLISH_WORDS and not _is_english_at_an_end(words)


def _is_plainly_english(words: list[str]) -> bool:
    """Whether the words are English throughout, by common ones, or the last two are a verdict.

    As in "hidden gem fr" and in "j'ai pleuré, so beautiful". A few words are too little for an
    identifier: it takes slang for any language with such letters.
    """
    share = sum(word in COMMON_WORDS for word in words) / len(words)
    if share >= MIN_COMMON:
        return True
    half = len(words) // 2
    if share >= MIN_COMMON_THROUGHOUT and all(
        len(COMMON_WORDS.intersection(part)) >= 2 for part in (words[:half], words[half:])
    ):
        return True
    end = set(words[-2:])
    return not VERDICT_WORDS.isdisjoint(end) and end <= COMMON_WORDS | BESIDE_VERDICTS


def _has_english_verdict(text: str) -> bool:
    """Whether a clause is a verdict in English: "qué pesadilla, awful", "Leider nein. Bad."."""
    clauses = [_informative_words(clause) for clause in _BREAK.split(text)]
    return len(clauses) > 1 and any(
        not VERDICT_WORDS.isdisjoint(words) and set(words) <= COMMON_WORDS | BESIDE_VERDICTS
        for words in clauses
    )


def _is_english_at_an_end(words: list[str]) -> bool:
    """Whether the text begins or ends in English: a foreign title in small letters is the rest.

    As in "kimi no na wa made me cry".
    """
    lengths = [length for length in OPINION_WORDS if length < len(words)]
    ends = [end for length in lengths for end in (words[:length], words[-length:])]
    return any(_likelihoods(end)["en"] >= ENGLISH_END for end in ends)


def _likelihoods(words: list[str]) -> dict[str, float]:
    """The probability of each of LANGUAGES; they add up to 1."""
    return {name: float(value) for name, value in _identifier().rank(" ".join(words))}


def _informative_words(text: str) -> list[str]:
    """The words in lower case, without those that may be names or titles.

    A capitalised word counts as a name, except the first of the text, and except if everything is
    in capitals. Repeated letters ("sooo") count once.
    """
    words = _WORD.findall(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    if not words:
        return []
    if not text.isupper():
        words = [word for word in words if word.islower() or word in (words[0], "I")]
    latin = (word for word in words if word.isascii() or all(map(_is_latin, word.replace("'", ""))))
    return _DRAWN_OUT.sub(r"\1", " ".join(latin).lower()).split()


def _is_emoji(character: str) -> bool:
    return unicodedata.category(character) == "So"


def _is_latin(letter: str) -> bool:
    return (letter.isascii() and letter.isalpha()) or unicodedata.name(letter, "").startswith(
        "LATIN"
    )


@cache
def _identifier() -> "LanguageIdentifier":
    # Imported here so that `--help` does not wait for it.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier
