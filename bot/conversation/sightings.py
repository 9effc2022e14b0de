"""Whether a message only reports that a film was seen: "saw that new Bond thing on Saturday".

The model takes such a report for praise, or for no review at all. Knows no platform.
"""

import re

from bot.conversation.answers import lower_letters
from bot.conversation.cues import word_set

MAX_TITLE_WORDS = 7
"""Of what was seen."""

_FILM = (
    r"(?:(?:the|a|this|that|one) (?:new |whole |latest |last |other )?)?"
    r"(?:films?|movies?|flick|shows?|series|episodes?|finale|sequel|season(?: \d+)?|documentary)"
)
_IT = re.compile(rf"(?:it|that|this|one|that one|this one|them|{_FILM})")
_DAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
_FAMILY = (
    r"(?:mum|mom|dad|wife|husband|girlfriend|boyfriend|gf|bf|partner|kids?|children|sons?|"
    r"daughters?|sisters?|brothers?|bro|family|friends?|mates?|bestie|cousins?|grandma|grandpa|nan|"
    r"parents|class|colleagues?|boys|girls|guys|lads|roommates?|flatmates?|housemates?|in laws)"
)
_WITH = rf"(?:(?:my|our|her|his|the|some|a|two|few|little|best) )*{_FAMILY}"
_OCCASION = (
    r"(?:yesterday|today|tonight|earlier|already|finally|too|now|just now|at last|recently|lately|"
    rf"last (?:night|nite|week|weekend|month|year|{_DAY})|this (?:morning|afternoon|evening|week|"
    rf"weekend)|(?:a|two|three|\d+|few|a few) (?:hours?|days?|weeks?|months?) ago|"
    rf"(?:on |at |over |last )?(?:the )?(?:{_DAY}|weekend)(?: (?:night|evening|afternoon|"
    r"morning))?|the other (?:day|night|evening|week)|"
    r"on (?:netflix|tv|dvd|prime|disney|(?:the |a )?plane)|"
    r"(?:at|in) (?:the |your |a |our |my )?(?:local )?(?:cinema|theat(?:er|re)|home|imax|movies|"
    r"pictures|drive in)|on (?:the )?opening (?:night|day|weekend)|for the first time|"
    r"for my birthday|by myself|on my own|"
    rf"at least|(?:with|w) {_WITH}(?: and {_WITH})?)"
)
_BEFORE = re.compile(
    r"(?:(?:hi|hello|hey|(?:good )?(?:morning|evening|afternoon)|ok|okay|so|well|yes|yeah|yep|and|"
    r"but|i|we|ive|weve|have|just|only|finally|also|already|actually|did|bot|us|went and|"
    r"(?:just )?(?:got|came|am|im|were)? ?(?:back|home)(?: from (?:the )?(?:cinema|movies|pictures|"
    rf"theat(?:er|re)))?|(?:me|{_WITH}) and (?:i|me|{_WITH})|{_WITH}|{_OCCASION}) )*"
)
_VERB = re.compile(
    r"(?:saw|from (?:seeing|watching)|seen|watched|streamed|rented|viewed|caught|binged|"
    r"(?:went|been) to (?:see|watch)|finished(?: watching)?(?= )|(?P<place>(?:went|been) to)(?= ))"
)
_AFTER = re.compile(rf"(?: {_OCCASION})+$")
_DETERMINED = re.compile(
    r"(?:the|that|this|a) (?:new|latest|recent|last|first|second|late|early)\b"
)
_DATED = re.compile(rf"{_OCCASION}|\b(?:back|home)\b")
_PUBLIC = word_set("film films movie movies screening showing premiere preview cinema matinee")
_FILMS = _PUBLIC | word_set(
    "documentary comedy thriller horror western musical romcom show series sitcom episode sequel "
    "prequel remake classic oldie blockbuster flick anime cartoon drama episodes shows"
)
_NO_TITLE = word_set(
    "his their nothing nobody anything something someone somebody people man woman guy manager "
    "staff usher ushers cashier doctor nurse therapist police rat rats mouse mice bug bugs bus "
    "train taxi cold flu fire smoke fight accident projector screen break broke broken stopped "
    "lights seat seats popcorn toilet toilets ticket tickets queue it me him her them us i you we "
    "they he she my our your its was were is are be im not no never but because so and or if when "
    "than though until thats again twice thrice times time third fourth once every coming through "
    "dry die dying fall fell asleep sleep left walked walk cry cried cringe made make wish wanted "
    "want fail failed best worst better worse favourite favorite biggest most least way too very "
    "really quite pretty absolute absolutely total totally amazing annoying atrocious awesome "
    "awful bad banger beautiful bland bore bored boring brilliant charming cheesy confusing crap "
    "decent delightful disappointed disappointing disappointment disaster dreadful dull enjoyable "
    "enjoyed entertaining epic excellent fantastic flawless forgettable fun funny garbage gem goat "
    "good gorgeous great hated hilarious horrible incredible joke lame legend liked lovely loved "
    "lush masterpiece mediocre meh mess mid moving nonsense okay ok outstanding overhyped overlong "
    "overrated peak perfect perfection phenomenal pointless poor rubbish sad scary shit shite "
    "silly slow stunning stupid sucked superb tedious terrible top trash trainwreck wreck treat "
    "ugly unbearable underrated unfunny unwatchable useless vile waste weak weird wonderful wow "
    "yawn drag dragged lost minutes rushed hype hyped money"
)
"""In what was seen, these words are an opinion or begin another sentence; few titles have them."""
_NO_LETTERS = re.compile(r"[^\w\s-]")


def is_sighting(text: str) -> bool:
    """Whether a short text says that a film was seen, when or with whom, and not how it was."""
    plain = " ".join(_NO_LETTERS.sub("", (lower_letters(text) or "").replace(",", " ")).split())
    before = _BEFORE.match(plain)
    assert before is not None  # it may be empty
    verb = _VERB.match(plain, before.end())
    if verb is None:
        return False
    rest = plain[verb.end() :]
    after = _AFTER.search(rest)
    seen = (rest if after is None else rest[: after.start()]).strip()
    if not seen or _IT.fullmatch(seen):
        return not verb["place"]
    words = seen.split()
    if len(words) > MAX_TITLE_WORDS or not _NO_TITLE.isdisjoint(words):
        return False
    if verb["place"]:
        return not _PUBLIC.isdisjoint(words)
    if words[0] in ("a", "an") and _FILMS.isdisjoint(words):  # "a doctor"
        return False
    is_dated = after is not None or _DATED.search(before[0]) is not None
    return is_dated or _DETERMINED.match(seen) is not None or _is_title(seen, text)


def _is_title(seen: str, text: str) -> bool:
    """Whether all words of what was seen are written as those of a title."""
    written = _NO_LETTERS.sub("", text).split()
    known = seen.split()
    said = [word for word in written if word.lower() in known]
    return bool(said) and all(word[:1].isupper() or word[:1].isdigit() for word in said)
