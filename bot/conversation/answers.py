"""The meaning of an answer to one of the bot's own questions: yes, no, one side, both sides.

Reads the words that have a meaning only after a question. Opinions are left to the model:
`Answer.opinion` has those words. Knows no platform.
"""

import re
from dataclasses import dataclass, field
from itertools import groupby

from bot.conversation.cues import read_cues, word_set
from bot.sentences.kinds import Side
from trainer.model.marks import MARK_NEGATIVE, MARK_POSITIVE, normalise, read_mark


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer says."""

    side: Side | None
    """None: no words with a meaning only here."""
    opinion: str = ""
    """The words for the model. If `side` is None, all of them; but blank for a yes or a no to a
    question that offers a choice. Otherwise the words in addition to the answer itself, such as "it
    dragged" of "no, it dragged"; blank if they only give a reason or a concession, which does not
    reverse the answer: "yes, although it dragged"."""
    is_all: bool = field(default=False, compare=False)
    """The answer has no other words, so it is unambiguous."""


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b")


MAX_WORDS = 40
"""Of an answer; a longer text is about the film, which the model reads."""

MAX_CHARACTERS = 500
"""The same limit in characters, as written and in plain letters. Some patterns take quadratic time
in the length."""

MAX_OTHER_WORDS = 3
"""Maximum words in addition to those that take a side, for an answer with no other content."""

# Words are lower-case and without apostrophes: "didnt". A clear yes or no may be followed by an
# opinion: "no it dragged".
_CLEAR_YES = word_set(
    "yes yeah yep yup yea yee ye ya yah yeh yas yis yess yepp aye mhm mmhm yessir yeppers yuppers "
    "yh yuh yus yass yuss aha uhhuh yeahh yess yesh indeedy yarp"
)
_CLEAR_NO = word_set("no nope nah na naw nay nup noo nopes nein nuh narp nahh nopee non noes")
# These are an answer only if all other words are fillers: "i did", "not really".
_WEAK_YES = word_set(
    "sure surely definitely definately definitly defo deffo def totally absolutely absolutly "
    "certainly obviously indeed correct right exactly precisely true understood did was were "
    "would do does "
    "could will is have has affirmative ok okay ofc duh course agreed bingo k y totes always "
    "perfectly massively hugely completely entirely utterly totaly completly bigtime deffinitely "
    "yup correctamundo precisly"
)
_WEAK_NO = word_set(
    "not never hardly barely scarcely doubt doubtful wrong incorrect pass negative n unlikely "
    "opposite didnt wasnt werent wouldnt dont doesnt couldnt wont isnt shouldnt aint "
    "havent hasnt"
)
_FILLERS = word_set(
    "oh ah uh um umm er erm hm hmm well so i id ill im we it its they theyd theyre he she you youd "
    "youre that thats this there really very quite just honestly tbh truthfully frankly "
    "personally actually probably probaly prolly probs prob guess think thought suppose reckon "
    "believe say hope afraid unfortunately unfortunatly sadly sorry lol haha hahaha ha lmao xd "
    "please pls plz thanks thank ty cheers mate man bro dude bot buddy much too to at all for the "
    "a of as in on whole overall mostly mainly largely still even then like hell heck god damn "
    "fuck fucking bloody way chance sir luck any doing have had has been be am enjoy enjoyed liked "
    "love tell go going watch see seeing recommend worth them got get time now though tho "
    "or from me particularly especially quite entirely completely remotely close least bit own was "
    "did do"
)
_ANSWERING = _CLEAR_YES | _CLEAR_NO | _WEAK_YES | _WEAK_NO
_OPINIONATED = word_set("enjoy enjoyed liked love recommend worth fuck fucking hell bloody")
"""Fillers of "yes i enjoyed it" that are an opinion with another answer: "no, i enjoyed it"."""
_CONCEDING = word_set(
    "but though tho although despite because cause cos coz cuz since as even except only if when "
    "apart minus besides however albeit while considering given"
)
_ANY_FILLER = "|".join(sorted(_FILLERS, key=len, reverse=True))

_YES_PHRASES = (
    "(?:afraid|think|guess|suppose|reckon|believe|hope|say|thought) so",
    "spot on|bang on|dead on|dead right|of course|for sure|more or less|very much|very much so",
    "100 ?(?:percent)?|hundred percent|you bet|how could i not|any ?day|any time|why not",
    "big time|bigtime|too right|loud and clear|in one|on the (?:nose|head|money)|(?:got|have) me",
    "(?:couldnt|cant|could not|cannot|can not) (?:have )?(?:put|said?|agree|agreed)(?: it)? "
    "(?:better|more)(?: myself)?|nailed(?: it)?|hit the nail(?: on the head)?|bulls ?eye|word",
    "no (?:mistake|argument|doubt|question)(?: (?:there|here|about (?:it|that)))?|why wouldnt i",
    "you (?:havent|didnt|have not|did not) (?:mis\\w+|get (?:it|that|me) wrong)(?: me| it| that)?",
    "(?:sounds|seems|looks|feels) (?:about |just |spot )?right",
    "(?:rather |quite )?(?:a (?:lot|bunch|great deal|good deal)|lots|loads|heaps|tons)|right you "
    "are",
    "you(?:ve| have)? (?:understood|read|got|heard) (?:me|it|that)(?: just)?(?: (?:fine|perfectly|"
    "right|correctly|well|exactly))?",
    "(?:putting|to put) it (?:mildly|lightly|kindly|politely)|(?:an )?understatement",
    "to say the least|to a (?:t|tee)|dont i know it|tell(?:ing)? me about it|youre telling me",
    "(?:read|reading) my mind|hole in one|no (?:argument|lie|lies)(?: here| there| from me)?",
    "(?:very|most|more) (?:so|definitely|certainly|assuredly)|and (?:how|then some)|in every way",
    "(?:with|without) (?:pleasure|hesitation|hesitating|a second thought|any doubt|reservations?)",
    "(?:not|never|arent|isnt|wasnt|werent|aint) (?:far |too |that |so )?(?:wrong|incorrect|off)",
    "(?:cant|cannot|couldnt|wont|wouldnt|dont|didnt|never) (?:say|said) no|not (?:un|dis)true",
    "(?:in a|without a) (?:heartbeat|shot|doubt|second|flash)|without question",
    "you(?: have| ve)? got it|you could say that|id say so|no (?:doubt|question)",
)
_NO_PHRASES = (
    "why (?:on earth )?would i|why should i|(?:on|to) the contrary|contrary|wide of the mark|way "
    "off|off the mark|out of line",
    "not (?:even )?(?:close|one bit|a bit|in the (?:least|slightest)|by a long (?:shot|way|chalk))",
    "not (?:a lot|much|very much|a great deal)|you(?: must be|re) (?:joking|kidding|having a "
    "laugh)",
    "in the slightest|not so much|no siree|no chance|fat chance|god no|hell no|absolutely not",
    "(?:youve |you have |you )?(?:misread|misunderstood|misheard|misjudged|mistook)(?: it| that)?",
    "(?:couldnt|could not|cant) be (?:more |further from )?(?:wrong|the truth|right)|not having it",
    "the opposite|the reverse|(?:other|wrong) way (?:a?round|about)|anything but|far from it",
    "as if|not a chance|no way|over my dead body|think again|couldnt be (?:more wrong|further)",
    "you got (?:that|it|me) wrong|(?:thats )?not right|you (?:did not|didnt)(?: get that right)?",
)


def _alone(*patterns: str) -> re.Pattern[str]:
    """One of the patterns, surrounded by fillers."""
    fillers = rf"(?:{_ANY_FILLER})"
    return re.compile(rf"(?:{fillers} )*?(?:{'|'.join(patterns)})(?: {fillers})*")


_YES, _NO = _alone(*_YES_PHRASES), _alone(*_NO_PHRASES)

# These can be understood without the question, but the model, trained on reviews, does not know
# them. The first match decides.
_STATED = (
    (
        Side.BOTH,
        _any_of(
            r"both(?! (?:big |of )*thumbs)|bit of each|half(?: and| n)? half|halfway|half right",
            r"50 ?50|fifty fifty|in ?between|(?:in|down) the middle|middling|a (?:tie|draw|wash)",
            r"^(?:tie|draw|even|equal|middle|ish|meh|maybe|perhaps|possibly)$|toss ?up|stalemate",
            r"mixed|even split|dead even|evenly|equally|equal parts|so so|im torn|^torn|undecided",
            r"on the fence|sideways|back and forth|either way|swings and roundabouts|neither",
            r"(?:cant|cannot|couldnt)(?: really)? (?:decide|tell|choose|pick|make up)",
            r"(?:cant|cannot|couldnt|hard to|hard) (?:honestly |really )?say$",
            r"idk|i ?dk|dunno|(?:dont|do not) (?:really )?know$|not sure|unsure|no idea|half of me",
            r"hard to (?:tell|call)|tough (?:call|one)|depends|jury.? (?:is )?(?:still )?out",
            r"(?:yes|yea?h?) and no|no and yes|yes no$|yes .* no for|no .* yes for",
            r"one up one down|^up and down|thumbs? up .*thumbs? down",
            r"(?:about )?as much as|as much .* as|just as much|but .* either",
            r"(?:some|bits|parts)\b.* (?:some|bits|parts) (?:of|not|no|were?nt)",
            r"(?:only|just)? ?(?:partly|partially|half right|half of (?:it|that|them))|in "
            r"(?:parts?|places)",
            r"(?:parts?|bits?|some|half|moments) (?:of it )?(?:was|were|i (?:did|liked|loved))",
            r"^(?:parts?|bits?|some|half|a (?:bit|little)(?: bit)?) (?:of it|of that|each)",
            r"(?:to|up to) (?:a|an|some) (?:extent|degree|point)|(?:sort|kind) of|sorta|kinda",
            r"not (?:entirely|completely|wholly|totally|fully|100)|maybe if|only if (?:its|it was|"
            r"youre)",
            r"if (?:they|youre|you|theyre)\b.*\b(?:otherwise|if not|else)|nothing special|average",
            r"(?:not|wasnt|wasn t|neither) (?:that |so |too )?(?:great|good|amazing)\b.* (?:not|"
            r"nor|or) "
            r"(?:that |so |too )?(?:terrible|awful|bad|horrible)|neutral|indifferent|middle ground",
            r"(?:liked|loved|enjoyed) .* but (?:not|hated|didnt|disliked|never)|equal",
            r"could (?:have been|be) (?:better|worse) .*could (?:have been|be) (?:better|worse)",
            r"^(?:maybe|perhaps|possibly|might) (?:in|if|when|on|one day|someday|later|with|for)",
            r"(?:cancel\w*|even\w*|balanc\w*)(?: each other| one another| itself| it)? out",
            r"more of a (?:so so|meh|shrug|maybe)|a (?:shrug|mixed bag|so so)|neither here nor "
            r"there",
            r"(?:could|could have) (?:go|gone) (?:either|both)|(?:liked|loved) .* (?:hated|"
            r"disliked) ",
        ),
    ),
    (
        Side.POSITIVE,
        _any_of(
            r"(?:cant|cannot|couldnt|wouldnt)(?: \w+)? say (?:that )?(?:i|it) (?:didnt|wouldnt|"
            r"wasnt)",
            r"(?:wouldnt|wont|not) stop (?:them|him|her|anyone)",
            r"no (?:complaints?|regrets?|notes|question yes)",
            r"(?:once|one|twice) (?:time )?(?:is|was|isnt|wasnt|is not|was not|will) ?"
            r"(?:never|not|nowhere near|hardly|nearly) ?(?:be )?enough",
            r"once (?:isnt|wasnt|aint) enough|(?:more|not) (?:than |just )?once",
            r"(?<!not )(?:as in|meaning|meant|mean) (?:a |so |really |very )?(?:good|great|amazing|"
            r"awesome|brilliant|wonderful|beautiful|fantastic|cool|excellent)|"
            r"(?<!not )in (?:a|the) (?:good|best|positive) way",
        ),
    ),
    (
        Side.NEGATIVE,
        _any_of(
            r"(?:once|one (?:time|go|viewing|watch|trip|sitting)) (?:was|is|will|did)? "
            r"?(?:(?:more than|quite|plenty|well|definitely) )?"
            r"(?:enough|plenty|too (?:many|much|often)|do|it|sufficient)",
            r"(?:just|only) once|never again|not again|one and done|^no (?:good|fun|use)",
            r"only if (?:i|they|he|she) (?:didnt|dont|hate|hated|wanted|deserve)|(?:wouldnt|dont) "
            r"bother",
            r"(?:cant|cannot|couldnt|wouldnt)(?: \w+)? say (?:that )?(?:i|it) (?:did|would|was)",
            r"one too many|too (?:strong|kind|generous)|i wish",
            r"(?<!not )(?:as in|meaning|meant|mean) (?:a |so |really |very )?(?:bad|awful|terrible|"
            r"disgusting)|(?<!not )in (?:a|the) (?:bad|worst|negative) way|"
            r"not in (?:a|the) (?:good|best|positive) way",
        ),
    ),
)
_CHOICES = {
    Side.POSITIVE: word_set(
        "upwards upward good up ups upp former again twice first a pros positives fab ace mint "
        "class belter "
        "cracking "
        "banging lush peng banger fire lit goated gem magic super brill brilliant"
    ),
    Side.NEGATIVE: word_set(
        "downwards downward bad down downs dwon latter once second b cons negatives pants naff "
        "dire guff tosh tripe "
        "dross "
        "bobbins stank stinks stunk sucked sucks rubbish trash garbage"
    ),
}
"""An answer of only these and `_ECHOES` chooses a side: "the good bits", "up i think"."""
_ECHOES = _FILLERS | word_set(
    "bits side one stuff parts part more big definitely def thumb thumbs is won option choice wins "
    "unfortunately easily clearly narrowly mile miles far was thmb thmbs tumbs"
)


_EMOJI = {
    Side.POSITIVE: frozenset("😍🥰🤩😻🔥💯🎉👏🙌🥳😊😀😃😄😁😎💖💕🏆❤♥🤗😌✨"),
    Side.NEGATIVE: frozenset("🤮🤢😴💤🥱💩😡🤬😠😤🙄😒👿🗑😖😣😫😩💔🚮"),
}
"""Only unambiguous ones; 😂 and 😭 are used for both the best and the worst."""


def plain_letters(text: str) -> str | None:
    """`normalise(text)`; None where either is too long, as one emoji may become 40 letters."""
    if len(text) > MAX_CHARACTERS:
        return None
    plain = normalise(text)
    return plain if len(plain) <= MAX_CHARACTERS else None


_APOSTROPHES = str.maketrans("\u2019\u2018`", "'''")


def lower_letters(text: str) -> str | None:
    """`plain_letters(text)` in lower case, with straight apostrophes."""
    plain = plain_letters(text)
    return None if plain is None else plain.lower().translate(_APOSTROPHES)


_MAX_BOTH_WORDS = 6
"""Words of "a bit of both" that need no question before them; more are read as a review."""


def is_both(text: str) -> bool:
    """Whether a few words say that a film was both good and bad, whatever was asked."""
    if len(text.split()) > _MAX_BOTH_WORDS:
        return False
    answer = read_answer(text, None)
    return answer.side is Side.BOTH and not answer.opinion


def read_answer(text: str, yes: Side | None, *, denies: bool = False) -> Answer:
    """Reads `text` as the answer to a question to which a yes would mean `yes`.

    `yes` is None if the question offers a choice, so that a yes says nothing. `denies`: the
    question is a negation, as in "it wasn't for you".
    """
    if len(text) > MAX_CHARACTERS:
        return Answer(None, text)
    _, mark = read_mark(text)
    if mark is not None and mark.alone:
        decided = mark.share >= MARK_POSITIVE or mark.share <= MARK_NEGATIVE
        high = Side.POSITIVE if mark.share >= MARK_POSITIVE else Side.NEGATIVE
        return Answer(high if decided else Side.BOTH)
    words_alone = _THUMBS.sub(" ", text)
    if words_alone != text:  # "👍 yes, you're right": the words decide
        answer = _read_words(words_alone, yes, denies)
        if answer.side is not None:
            return answer
    return _read_words(text, yes, denies)


_THUMBS = re.compile("[\N{THUMBS UP SIGN}\N{THUMBS DOWN SIGN}\U0001f3fb-\U0001f3ff]")


_ECHO = re.compile(
    r"(?:(?:oh|well|no|nope|nah|yes|yeah|yep|right|correct|true|indeed|exactly|agreed|sadly) "
    r")*(?:it|that|this) (?:\w+ly |just |so |sadly )*"
    r"(?P<said>wasnt|isnt|was not|is not|was|is)(?: (?:really|sadly|actually|at all|for me))*"
)
"""Repeats the verb of a statement: to "it wasn't for you", "it really wasn't" agrees."""


def _read_words(text: str, yes: Side | None, denies: bool) -> Answer:
    symbols = {c for c in text if not c.isspace() and c not in "\ufe0f!."}
    for side, known in _EMOJI.items():
        if symbols and symbols <= known:
            return Answer(side, is_all=True)
    plain = plain_letters(text) or ""
    segments = [words for part in _BREAK.split(plain) if (words := _plain(part))]
    if not 0 < sum(map(len, segments)) <= MAX_WORDS:
        return Answer(None, text)
    phrase = " ".join(" ".join(words) for words in segments)
    if denies and yes is not None and (echo := _ECHO.fullmatch(phrase)) is not None:
        agrees = echo["said"] not in ("was", "is")
        return Answer(yes if agrees else yes.opposite, is_all=True)
    for side, pattern in _STATED:
        if (found := pattern.search(phrase)) is not None:
            other_words = phrase[: found.start()] + phrase[found.end() :]
            return Answer(side, is_all=_is_mostly_filler(other_words))
    is_conceding = _concedes(segments)
    if not is_conceding and (cues := read_cues(segments)) is not None:
        return Answer(
            Side.POSITIVE if cues[0] else Side.NEGATIVE, is_all=_is_mostly_filler(cues[1])
        )
    if (chosen := _read_choice(segments)) is not None:
        return Answer(chosen, is_all=True)
    if _says_both(segments):
        return Answer(Side.BOTH)
    said, beside_it = _read_yes_or_no(segments)
    opinion = "" if frozenset(beside_it) <= _FILLERS - _OPINIONATED else " ".join(beside_it)
    if said is None or yes is None:
        return Answer(None, "" if said is not None and not opinion else text)
    is_all = all(_whole(words) is not None for words in segments)
    return Answer(yes if said else yes.opposite, opinion, is_all)


_NEGATING = (_WEAK_NO | word_set("any cant cannot neither nor")) - word_set("negative pass")


def _before_concession(clauses: list[list[str]]) -> list[list[str]]:
    """The clauses before a word such as "though", unless it comes first."""
    kept: list[list[str]] = []
    for clause in clauses:
        end = next((n for n, word in enumerate(clause) if word in _CONCEDING), len(clause))
        kept.append(clause[:end])
        if end < len(clause):
            break
    return kept


def _choice_at(words: list[str], place: int) -> Side:
    """The side that one word chooses; a negation before it reverses it: "not up"."""
    side = Side.POSITIVE if words[place] in _CHOICES[Side.POSITIVE] else Side.NEGATIVE
    before = words[max(0, place - 3) : place]
    is_negated = _NEGATING.intersection(before) or before[-1:] == ["no"]
    return side.opposite if is_negated else side


def _concedes(segments: list[list[str]]) -> bool:
    """Whether a yes or a no is followed by a mere qualification: "yes, but I'd warn them"."""
    words = [word for segment in segments for word in segment]
    end = next((n for n, word in enumerate(words) if word in _CONCEDING), 0)
    return bool(_ANSWERING.intersection(words[:end])) and _whole(words[:end]) is not None


def _says_both(segments: list[list[str]]) -> bool:
    """Whether one clause has a yes and another a no, each about something: "the cast yes, ..."."""
    said = set()
    for words in segments:
        if words[-1] in _CLEAR_YES | _CLEAR_NO and not frozenset(words) <= _ANSWERING | _FILLERS:
            said.add(words[-1] in _CLEAR_YES)
    return len(said) > 1


_GRAVE = word_set(
    "die died dying dead death kill kills killing suicide suicidal hurt hurts hurting harm harming "
    "cut cutting myself life live living alone worthless hopeless end ending anymore help pills "
    "jump bridge scared danger unsafe hit hits beats abuse abused refund money manager human person"
)
"""In an answer, these may mean something more important than the film."""


def _is_mostly_filler(text: str) -> bool:
    """Whether these words are almost only fillers, a yes or a no."""
    more = frozenset(text.split()) - _ANSWERING - _FILLERS
    return len(more) <= MAX_OTHER_WORDS and not more & _GRAVE


def _read_choice(segments: list[list[str]]) -> Side | None:
    """The side that words like "good" and "down" choose; concessions do not count."""
    clauses = [[word for word, _ in groupby(words)] for words in segments]
    for chosen in (clauses, _before_concession(clauses), clauses[:1], clauses[-1:]):
        rest = frozenset().union(*chosen) - _ECHOES - _WEAK_YES - _NEGATING - _CLEAR_NO
        if rest and rest <= _CHOICES[Side.POSITIVE] | _CHOICES[Side.NEGATIVE]:
            sides = {
                _choice_at(clause, place)
                for clause in chosen
                for place, word in enumerate(clause)
                if word in rest
            }
            if len(sides) == 1:
                return sides.pop()
    return None


_BREAK = re.compile("[,.;:!?\n()\u2026\u2014\u2013]+|\\s-+\\s")


def is_filler(word: str) -> bool:
    """Whether a word, in lower case and without apostrophes, is not an opinion: "honestly"."""
    return word in _FILLERS and word not in _OPINIONATED


_IDIOMS = re.compile(
    r"\b(?:warts and all|for what its worth|all things considered|put it that way|to be (?:fair|"
    r"honest|frank)|in all honesty|if im (?:being )?(?:honest|fair)(?: with you)?|id have to say|"
    r"when all(?:s| is) said and done|(?:do )?you know what|at the end of the day|in the end|"
    r"on (?:the whole|balance)|all in all|truth be told|not gonna lie|ngl|if you ask me|i have to "
    r"say|have to say|must say|if (?:i|you) must|if anything|if (?:i )?(?:had to|have to|must) "
    r"(?:choose|pick|"
    r"say|decide)|if (?:pushed|pressed|forced)|push comes to shove)\b"
)
"""Phrases in an answer that have no meaning of their own."""
_MISSPELT = (
    (re.compile(r"\bdef+[aeiu]n\w*?l+e?y\b"), "definitely"),
    (re.compile(r"\babs[aeiou]l\w*l?y\b"), "absolutely"),
    (re.compile(r"\bprob[a-z]*l[ey]+\b"), "probably"),
    (re.compile(r"\bth[umb]{2,4}s?\b"), "thumbs"),
)


def _plain(text: str) -> list[str]:
    """Lower-case words without apostrophes; letters repeated for emphasis count once."""
    words = re.sub(r"[^\w\s]", " ", re.sub("['\u2019]", "", text.lower()))
    words = re.sub(r"([a-z])\1{2,}", r"\1", " ".join(words.split()))
    for pattern, right in _MISSPELT:
        words = pattern.sub(right, words)
    return (_IDIOMS.sub(" ", words).split() or words.split()) if words else []


def _read_yes_or_no(segments: list[list[str]]) -> tuple[bool | None, list[str]]:
    """The yes or no at the beginning or the end, and the other words, which may be an opinion."""
    said: bool | None = None
    while segments and (here := _whole(segments[0])) is not None:
        said = here
        segments = segments[1:]
    words = [word for segment in segments for word in segment]
    if said is not None:  # "no, it dragged"
        return said, [] if words and words[0] in _CONCEDING else words
    end = 0
    for place, word in enumerate(words):
        if word in _CLEAR_YES | _CLEAR_NO:
            said, end = word in _CLEAR_YES, place + 1  # "yeah no": the last one counts
        elif word not in _FILLERS:
            break
    if said is not None:  # "no it dragged"
        return said, [] if end < len(words) and words[end] in _CONCEDING else words[end:]
    before = next((n for n, word in enumerate(words) if word in _CONCEDING), 0)
    if before and (here := _whole(words[:before])) is not None:  # "not really because it dragged"
        return here, []
    if words and words[-1] in _CLEAR_YES | _CLEAR_NO:  # "if it were shorter. As it is, no"
        return words[-1] in _CLEAR_YES, []
    return None, words


def _whole(words: list[str]) -> bool | None:
    """The meaning of words that are only a yes or a no: "i really did"; else None."""
    first = next((n for n, word in enumerate(words) if word not in _CLEAR_NO), 0)
    for phrase in (" ".join(words), " ".join(words[first:])):  # "no no you got it right"
        for pattern, meant in ((_YES, True), (_NO, False)):
            if pattern.fullmatch(phrase):
                return meant
    said: bool | None = None
    clear = False
    for word in words:
        if word in _CLEAR_YES | _CLEAR_NO:
            said, clear = word in _CLEAR_YES, True
        elif word in _WEAK_NO and not (clear and said):
            said = False
        elif word in _WEAK_YES:
            said = True if said is None else said
        elif word not in _ECHOES | {"again"}:
            return None
    return said
