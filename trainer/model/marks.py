"""Normalises decorated text, and reads the rating in a review ("8/10", "★★☆☆☆").

The same code serves training and the bot. `read_mark` takes the original text, because `normalise`
turns stars and thumbs into words; its result still needs `normalise`. Both take linear time: every
repetition in a pattern is bounded or possessive.
"""

# ruff: noqa: RUF001, RUF003 - characters that look alike are the subject.
import itertools
import math
import re
import statistics
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

MARK_POSITIVE = 0.7
"""From this share on a mark is praise: IMDb's reviews with >= 7 of 10 (Maas et al. 2011, 4.1)."""
MARK_NEGATIVE = 0.4
"""Up to this share a mark is a complaint: IMDb's reviews with <= 4 of 10 (the same section)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The rating in a review."""

    share: float
    """From 0, the worst, to 1, the best; the mean if a review has several ratings."""
    alone: bool
    """Whether the review has no other opinion, as far as `_is_title` can tell."""


def margin(share: float) -> float:
    """The mark as log-odds of a positive review: 3 at 0.7, -3 at 0.4, within +-6."""
    middle = (MARK_POSITIVE + MARK_NEGATIVE) / 2
    return 6 * math.tanh(math.atanh(0.5) * (share - middle) / (MARK_POSITIVE - middle))


# --- Characters -----------------------------------------------------------------------------------

_JOINER = "\u200d"
# Default-ignorable characters except the joiner, overlaid and enclosing marks, skin tones.
_INVISIBLE = re.compile(
    "[\u00ad\u0335-\u0338\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u20dd-\u20e4\u3164\ufe00-\ufe0f\ufeff"
    "\U0001f3fb-\U0001f3ff\U000e0000-\U000e01ef]"
)
_SMALL_CAPITALS = "ᴀʙᴄᴅᴇꜰғɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ"  # ғ is Cyrillic, and F in many a fancy font
_LOOKALIKES = str.maketrans(_SMALL_CAPITALS, "abcdeffghijklmnopqrstuvwyz") | str.maketrans(
    # White on black, in a circle and in a square: 🅐 and 🅰; digits in three sorts of circle: ➑.
    {chr(first + i): chr(65 + i) for first in (0x1F150, 0x1F170) for i in range(26)}
    | {chr(first + i): str(i + 1) for first in (0x2776, 0x2780, 0x278A) for i in range(10)}
    # NFKC makes a space and an accent of ´, and joins ™ to the word before it as "TM".
    | {"🔟": "10", "´": "'", "⁄": "/", "∕": "/", "™": None, "℠": None}
)
_INNER_FRACTION = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞])")


def _emoji_names() -> dict[str, str]:
    """The names of all emoji except letters, digits, © and typographic arrows and boxes."""
    import emoji

    names: dict[str, str] = {}
    for symbol, data in emoji.EMOJI_DATA.items():
        plain = _INVISIBLE.sub("", symbol)
        pictorial = "\u2300" <= plain[:1] <= "\u23ff" or plain[:1] >= "\u2600"
        if pictorial and unicodedata.is_normalized("NFKC", plain):
            name = str(data["en"]).strip(":").replace("_button", "").replace("_", " ")
            names.setdefault(plain, name)
    return names


class _Emoji(NamedTuple):
    """Names and patterns of emoji."""

    names: dict[str, str]
    cluster: re.Pattern[str]
    """One emoji, possibly of several joined symbols."""
    run: re.Pattern[str]
    """Several in a row."""
    stray_joiner: re.Pattern[str]


@cache
def _emoji() -> _Emoji:
    """Built for the first text that is not ASCII: it takes 0.1 seconds, too long for the start."""
    names = _emoji_names()
    # The look-ahead is for speed: the long class is searched linearly.
    symbol = rf"(?:(?![\0-\u22ff])[{''.join(symbol for symbol in names if len(symbol) == 1)}])"
    # Two regional indicators are a flag.
    cluster = f"[\U0001f1e6-\U0001f1ff]{{2}}|{symbol}(?:{_JOINER}{symbol})*+"
    return _Emoji(
        names,
        re.compile(cluster),
        re.compile(f" ?(?:(?:{cluster}) ?)++"),
        re.compile(f"{_JOINER}(?:(?<!{symbol}{_JOINER})|(?!{symbol}))"),
    )


def plain_characters(text: str) -> str:
    """All of `normalise` except the names of emoji."""
    if text.isascii():
        return text
    text = _emoji().stray_joiner.sub("", _INVISIBLE.sub("", text).translate(_LOOKALIKES))
    # NFKC turns "3½" into "31/2".
    text = unicodedata.normalize("NFKC", _INNER_FRACTION.sub(" ", text))
    # Again, because NFKC itself produces small capitals and fillers from their variants.
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).translate(_LOOKALIKES))


def _name_run(run: re.Match[str]) -> str:
    known = _emoji().names
    names: list[str] = []
    for cluster, repeats in itertools.groupby(_emoji().cluster.findall(run[0])):
        # A joined sequence without a name is read symbol by symbol.
        parts = [known.get(part, part) for part in cluster.split(_JOINER)]
        name = known.get(cluster, " ".join(parts))
        names += [name for _ in itertools.islice(repeats, 2)]
    before = " " if run.start() > 0 else ""
    after = " " if run.end() < len(run.string) else ""
    return before + " ".join(names) + after


def normalise(text: str) -> str:
    """The text in plain letters (NFKC, small capitals, white on black) with its emoji as words.

    Invisible characters and skin tones are removed, and a repeated emoji counts twice. Lone
    regional indicators and letters of other scripts stay. Idempotent; ASCII is unchanged.
    `emoji.demojize` takes quadratic time over unknown joined sequences.
    """
    return text if text.isascii() else _emoji().run.sub(_name_run, plain_characters(text))


# --- Forms of marks -------------------------------------------------------------------------------

_Form = tuple[re.Pattern[str], Callable[[re.Match[str]], float | None]]
"""A pattern, and the share that a match means; None or more than 1: it is not a mark."""

_NUMERALS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_HALF = "[ -]and[ -](?:a[ -]half|1/2)"
_NUMBER = rf"(?:\d{{1,3}}(?:[.,]\d{{1,2}}|[ ][13]/[24])?|{'|'.join(_NUMERALS)})(?:{_HALF})?"
_COUNT = (  # "7-8" is read as 7.5
    rf"(?<![\w/#$£€])(?<!\d[.,:])(?:(?P<low>\d{{1,3}}(?:[.,]\d)?)-)?(?P<count>{_NUMBER})"
)
_FULL, _EMPTY = "★⭐🌟✭✮✯", "☆✩✰"
_STAR = rf"(?:[ -]?stars?\b|[ ]?[{_FULL}](?![ ]?[{_FULL}{_EMPTY}]))"
_GRADES = {"A": 0.95, "B": 0.8, "C": 0.55, "D": 0.3, "F": 0.0}


def _number(text: str) -> float:
    text, halves = re.subn(_HALF, "", text.lower())
    whole, _, fraction = text.partition(" ")
    value = _NUMERALS.index(whole) if whole in _NUMERALS else float(whole.replace(",", "."))
    return value + halves / 2 + (int(fraction[0]) / int(fraction[2]) if fraction else 0)


def _count(match: re.Match[str]) -> float:
    return (_number(match["low"] or match["count"]) + _number(match["count"])) / 2


def _of_scale(match: re.Match[str]) -> float | None:
    scale = _number(match["scale"])
    # "3/4" without stars is three quarters.
    is_fraction = scale == 4 and match["slash"] and not (match["star"] or match["stars"])
    return None if is_fraction else _count(match) / scale


def _of_stars(match: re.Match[str]) -> float:
    count = (0.5 if match["half"] else _count(match)) + (0.5 if match["more"] else 0)
    # "10 stars" is IMDb's scale; six to nine have no known scale.
    return 1.0 if count == 10 else count / 5


def _of_glyphs(match: re.Match[str]) -> float | None:
    if len(match[0]) == 1:
        return None  # an ornament, except next to a title: see `_BESIDE_TITLES`
    full, empty = (sum(map(match[0].count, kind)) for kind in (_FULL, _EMPTY))
    scale = int(match["scale"] or (full + empty if empty and full + empty in (4, 10) else 5))
    return min(1.0, (full + (0.5 if match["half"] else 0)) / scale)


def _of_percent(match: re.Match[str]) -> float:
    return _count(match) / 100


def _of_grade(match: re.Match[str]) -> float:
    letter, sign = match["grade"][0], match["grade"][1:2]
    step = 0.05 if sign == "+" else -0.05 if letter == "A" else -0.1
    return _GRADES[letter] + (step if sign and letter != "F" else 0)


def _of_thumbs(match: re.Match[str]) -> float:
    distance = 0.5 if match["two"] else 0.35
    return 0.5 + distance if match[0].lower().endswith(("up", "👍")) else 0.5 - distance


_SCALE = re.compile(
    rf"(?i:{_COUNT}(?P<star>{_STAR})?(?:[ ]{{0,2}}(?P<slash>/)[ ]{{0,2}}|[ ]out(?:[ ]of|ta)[ ])"
    rf"(?P<scale>100|10|5|4|ten|five|four)(?![\w/])(?![.,:]\d)(?P<stars>{_STAR})?)"
)
_STARS = re.compile(
    r"(?i:(?<!\bthe[ ])(?<!\bboth[ ])(?<!\btheir[ ])(?<!\bthese[ ])(?<!out[ ]of[ ])(?<!outta[ ])"
    rf"(?:(?<![\w/*])(?P<half>(?:an?[ ])?(?:half|1/2)(?:[ ]an?)?)|{_COUNT}){_STAR}"
    rf"(?P<more>{_HALF})?(?:[ ]out[ ]of[ ](?:5|five)\b)?"
    r"(?![ -](?:hotel|motel|resort|restaurant|chef|general|admiral|airline|service|recipe|scale|"
    r"trek|war|ratings|reviews|who|whose|have|has|had|are|were|fall|fell|in|of)s?\b))"
)
_GLYPHS = re.compile(
    rf"[{_FULL}](?:[ ]?[{_FULL}])*+(?P<half>[ ]?1/2\b)?(?:[ ]?[{_EMPTY}])*+"
    r"(?:[ ]?(?:/|out of)[ ]?(?P<scale>10|[4-9])\b)?"
)
_PERCENT = re.compile(
    r"(?i:\b(?:rating|score|rated?|gives?(?:[ ]it|[ ]this)?)(?:[ ]?[:=]|[ ]is|[ ]of)?"
    rf"[ ]?(?:an?[ ])?{_COUNT}[ ]?%)"
)
_GRADE = re.compile(  # signed, or announced: "a solid B", "gets an A", "grade: C"
    r"(?<![\w'’.&/+-])(?:(?:[Aa]n?[ ](?:solid|easy|strong|high|low|weak|firm|clear)|"
    r"(?:[Gg]ives?|[Gg]ave|[Gg]iving|gets|earns|deserves)(?:[ ](?:it|this|that))?[ ]an?|"
    r"(?i:grade|rating|score|verdict)(?:[ ]?[:=]|[ ]is(?:[ ]an?)?))[ ]?(?=[A-DF])|(?=[A-DF][+-]))"
    r"(?P<grade>A\+{1,9}|[A-DF][+-]?)(?![\w'’&+/-])"
    r"(?![ ](?i:movie|film|flick|picture|list|side|team|story|plot|tree|blood|star)s?\b)"
)
_THUMBS = re.compile(
    r"(?i:(?<!\bthe[ ])(?<!\bhis[ ])(?<!\bher[ ])(?<!\bwith[ ])(?<!\bno[ ])"
    r"\b(?P<two>two[ ])?(?:big[ ])?thumbs?[ -](?:up|down)\b)|👍(?:[ ]?👍)*+|👎(?:[ ]?👎)*+"
)
_FORMS: tuple[_Form, ...] = (
    (_SCALE, _of_scale),
    (_STARS, _of_stars),
    (_GLYPHS, _of_glyphs),
    (_PERCENT, _of_percent),
    (_GRADE, _of_grade),
    (_THUMBS, _of_thumbs),
)
_ORNAMENT = re.compile(f"[{_FULL}]")
_LAST_LETTER = re.compile(r"(?<=[:–—-][ ])(?P<grade>[A-DF])(?=[\s.!)]{0,8}\Z)")
# By then, numbered stars have been read or refused.
_SINGLE_STAR = re.compile(rf"(?i:{_COUNT}[ ]?)?[{_FULL}]")
# These count only once and next to a title: "Jaws ⭐", "Jaws: A".
_BESIDE_TITLES: tuple[_Form, ...] = (
    (_SINGLE_STAR, lambda match: None if match["count"] else 0.2),
    (_LAST_LETTER, _of_grade),
)

_MARK_CHARACTERS = re.compile(rf"[\d{_FULL}👍👎]|[A-DF](?![^\W_])")
_MARK_WORDS = (*_NUMERALS, "half", "thumb")
"""Whatever matches one of the forms has one of these, or of these characters. Most texts have none,
and are searched no further."""

_NOT_BEFORE = re.compile(
    r"""(?:(?:^|[\s(:])[-−]                                       # a negative number
    |(?<!\bspot[ ])(?<!\bcarry[ ])\bon[ ]|(?:^|[.!?][ ])On[ ]     # a date, as in the next line
    |\b(?:by|since|until|till|before|from|date|dated|between|starting|opens|aired|due)[ ]
    |(?:^|[.,;:!?(\n][ ]?|\b(?:on|at|in|of|to|now|just|watch|watched|watching|finished)[ ])
     (?i:season|series|episode|ep|part|chapter|volume|vol|disc|page|day|week|level|round|step)[ ]
    |\b(?i:minus|negative|plus|extra|another|los(?:t|e|es|ing)|deduct\w{0,3}|dock\w{0,3}
     |(?:knock|take|took|taking)\w{0,3}(?:[ ]off)?)[ ](?:an?[ ])?
    |(?i:\bnot|n['’]t|\bnever|\bcannot)(?:[ ](?:quite|really|exactly|even|an?|worth|give|it|this|be
     |deserve|rate|say|call|close|to)){0,4}[ ]                    # "wouldn't give it a"
    |\b(?i:plan|vitamin|type|hepatitis|group|class|option|answer|exhibit|point)\W{1,2}
    )\Z""",
    re.VERBOSE,
)
_NOT_AFTER = re.compile(
    r"""[ ]?[%€£$°]|-\d
    |[ ]{0,2}(?:(?:at|@)[ ]?\d|\d{1,2}(?::\d\d|[ ]?[ap]m\b))      # a time, after a date
    |[ ]of\b(?![ ]course)
    |[ -](?i:people|persons|viewers|critics|reviewers|users|fans|friends|dentists|doctors|men|women
     |guys|kids|times|movies|films|episodes|eps?|seasons|chapters|parts|scenes|songs|jokes|minutes
     |mins|hours|hrs|days|weeks|months|years|games|questions|off|less|emoji|sign)\b
    """,
    re.VERBOSE,
)
_NEARBY = 40
"""How many characters before a match can show that it is not a mark."""

# --- Titles ---------------------------------------------------------------------------------------


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[^\W_]+(?:['.&-][^\W_]+)*")
_SENTENCE_END = re.compile(r"(?<=[^\W\d_]{3})[.!?]+(?=\s)|\n")
_MAX_TITLE_WORDS = 14  # Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb
_SMALL_WORDS = _words("a an and as at but by de for from in is it la le of on or the to vs with x")
# Words around a mark that express no opinion.
_FILLERS = _words("""
    rating rated rate score scored grade verdict review final overall total mark I I'd I'll I'm i
    i'd id i'll i'm we we'd give giving gave gives it it's its this that film movie gets get got a
    an the solid easy strong from me my for out outta of is was be as at to with say call so and but
    about around maybe probably personally imo imho would will just only points stars star
""")
_EMPHASIS = re.compile(
    r"\b(?:duh+|obvs?|obvi|obviously|clearly|certainly|surely|definitely|def|deffo|defo|totally|"
    r"easily|of course|ofc|what else|hands down|for (?:sure|real)|fr|frfr|ngl|tbh|honestly|"
    r"no (?:questions?|doubt|contest|debate|cap|lie)(?: asked)?|next question|"
    r"without (?:a )?(?:doubt|question)|case closed|(?:e?nough|nuff) said|end of(?: story)?|"
    r"full stop|periodt?|mic drop|bro|bruh|dude|mate|man|guys|folks|lads|sorry|hello|hey|innit|"
    r"thanks|cheers|pls|please)\b",
    re.IGNORECASE,
)
"""Beside a mark, these words only stress it: "10/10 duh"."""
# An opinion or a sentence, even one of few words. A gap costs little: the mark decides then.
_OPINIONS = _words("""
    absolute absolutely acting adored amazing annoying atrocious average awesome awful bad banger
    beautiful best better bland bored boring brilliant charming cheap clever cool crap cried cringe
    cute decent delightful didn't disappointed disappointing don't dreadful dull enjoyable enjoyed
    entertaining epic excellent exciting fab fabulous fantastic fine flawless forgettable fun funny
    garbage gem good gorgeous great hate hated hilarious horrible incredible insane laughed like
    liked lol loved love lovely magnificent masterpiece mediocre meh mess mid moving nah never nice
    no not ok okay outstanding overrated pathetic peak perfect perfection phenomenal poor
    pretentious pure rubbish sad scary shit slow smart spectacular spot stunning stupid sucked sucks
    superb tedious tense terrible top touching trash ugh unbearable underrated underwhelming
    unwatchable useless very waste weak well wonderful worst wow yawn yes
""")
_SENTENCE_WORDS = _FILLERS | _words("""
    again all are can can't did do does had has have her he him his how if must now one our really
    see seen she some than them they too totally us watch watched watching were what when who why
    you your films movies cinema flick picture plot story thing time
""")


def _is_title(text: str, *, leads: bool) -> bool:
    """Whether a sentence next to a mark has no opinion: it is only fillers, or a title.

    In a title every word but small ones is capitalised, and not all words are opinions and film
    nouns ("Bad Boys", but not "Great Movie"). If the sentence `leads`, meaning that it precedes the
    first mark, one to three words in lower case or all in capitals are a title too, unless one of
    them is an opinion or makes a sentence ("jaws", but not "loved it").
    Known errors: "Loved The Acting" is a title here, "Good will hunting" is not.
    """
    if not text.isascii() and _emoji().run.search(text):
        return False
    stressed = _EMPHASIS.sub(" ", text) if not text.istitle() else text
    words = [word for word in _WORD.findall(stressed.replace("’", "'")) if word not in _FILLERS]
    lower = {word.lower() for word in words}
    if lower <= _FILLERS:
        return True
    opinions = lower & _OPINIONS
    capital = all(word[0].isupper() or word[0].isdigit() or word in _SMALL_WORDS for word in words)
    if capital and not text.isupper():
        is_named = not opinions or not lower <= _OPINIONS | _SENTENCE_WORDS
        return is_named and len(words) <= _MAX_TITLE_WORDS
    is_short = len(words) == 1 or (len(words) <= 3 and not lower & _SENTENCE_WORDS)
    return leads and is_short and not opinions


# --- Reading --------------------------------------------------------------------------------------

_ERASED = "\0"
_LEADS_TO_MARK = " \t\n:;,–—|([*_=-"
_FOLLOWS_MARK = " \t\n:;,.!–—|)]*_=-"


def _erase(form: _Form, text: str, shares: list[float]) -> str:
    """Replaces each mark of the form by `_ERASED`; appends their shares to `shares`."""
    pattern, share_of = form

    def replace(match: re.Match[str]) -> str:
        share = share_of(match)
        nearby = max(0, match.start() - _NEARBY)
        if share is None or share > 1 or _NOT_BEFORE.search(text, nearby, match.start()):
            return match[0]
        if _NOT_AFTER.match(text, match.end()):
            return match[0]
        shares.append(share)
        return _ERASED

    return pattern.sub(replace, text)


def _is_alone(text: str) -> bool:
    """Whether there are only titles and fillers around the erased marks."""
    return all(
        _is_title(sentence, leads=index == 0)
        for index, piece in enumerate(text.split(_ERASED))
        for sentence in _SENTENCE_END.split(piece)
    )


def _may_have_mark(plain: str) -> bool:
    if _MARK_CHARACTERS.search(plain) is not None:
        return True
    lower = plain.lower()
    return any(word in lower for word in _MARK_WORDS)


def read_mark(text: str) -> tuple[str, Mark | None]:
    """Finds the ratings in a text that is not normalised, and removes them.

    Returns:
        The text in plain letters without its marks, and the mark; or the text itself and None.
        Neither the text nor `alone` depends on the value of the mark.
    """
    plain = plain_characters(text).replace(_ERASED, " ")
    if not _may_have_mark(plain):
        return text, None
    shares: list[float] = []
    for form in _FORMS:
        plain = _erase(form, plain, shares)
    if shares:
        plain = _ORNAMENT.sub("", plain)
    for form in _BESIDE_TITLES if not shares else ():
        found: list[float] = []
        erased = _erase(form, plain, found)
        if len(found) == 1 and _WORD.search(erased) and _is_alone(erased):
            plain, shares = erased, found
            break
    if not shares:
        return text, None
    head, *pieces = plain.split(_ERASED)
    *pieces, tail = [head, *(piece.lstrip(_FOLLOWS_MARK) for piece in pieces)]
    pieces = [*(piece.rstrip(_LEADS_TO_MARK) for piece in pieces), tail]
    rest = " ".join(piece for piece in pieces if piece).strip()
    return rest, Mark(round(statistics.fmean(shares), 4), _is_alone(plain))
