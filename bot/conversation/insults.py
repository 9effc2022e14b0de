"""Whether a customer insults the bot, and what else they say. Knows no platform.

Films get worse insults than bots, so only words addressed to "you" or "the bot" count here.
"""

import re

from bot.conversation.answers import is_filler, lower_letters
from bot.conversation.cues import word_set

_VERY = (
    r"(?:(?:so|just|such|really|very|fucking|freaking|bloody|damn|goddamn|absolutely|absolute|"
    r"completely|totally|utterly|utter|literally|a|an|the|one|complete|total|fuckin|effing|dumb|"
    r"stupid|useless|worst|big|actual|lot of) )*"
)
_BAD = (
    r"(?:useless|bad|lousy|silly|daft|poor|stupid|dumb(?:ass)?|idiot(?:ic)?|moron(?:ic)?|"
    r"worthless|pathetic|trash|rubbish|"
    r"garbage|shit(?:ty|e)?|crap(?:py)?|awful|terrible|horrible|broken|hopeless|incompetent|lame|"
    r"annoying|ridiculous|a joke|joke|waste of (?:space|time|electricity|electrons)|clown|loser|"
    r"imbecile|fool|dimwit|dunce|numpty|muppet|plonker|prick|arse(?:hole)?|asshole|bastard|bitch|"
    r"cunt|dick(?:head)?|twat|wanker|git|clueless|brainless|thick|dense|worst|no (?:use|good|help)|"
    r"not (?:very )?(?:smart|clever|bright|helpful)|a toaster|pile of (?:junk|scrap|shit|crap)|"
    r"piece of (?:junk|shit|crap|garbage|trash)|tin can|bag of bolts|bucket of bolts)"
)
_THING = r"(?:bot|chatbot|robot|program|machine|ai|thing|software|toaster|computer)"
_INSULT = re.compile(
    r"(?<![\w'])(?:"
    rf"(?:you|u|ya|you (?:lot|guys|people|bots)|this {_THING}|the bot|(?:chat)?bots?)(?:'?re| "
    rf"are|r| r|'?s| is|ur)? "
    rf"{_VERY}{_BAD}(?: {_THING}| of a {_THING})?(?: ever)?"
    rf"|(?:your|ur|youre) {_VERY}{_BAD}(?: {_THING})?"
    rf"|(?:you|this|the|what an?|you're an?|ur an?)? ?{_VERY}{_BAD} {_THING}(?: ever)?"
    rf"|what an? \w+ (?:of an? )?{_THING}|(?:the )?worst {_THING}(?: ever)?"
    r"|^(?:you |what an? |such an? )*(?:dumb ?ass|moron|idiot|imbecile|asshole|arsehole|dickhead|"
    r"twat|"
    r"prick|wanker|numpty|dimwit)s?(?: bot)?[.!?]*$"
    r"|you (?:really |totally |just |all )?(?:suck|stink|blow)(?: balls| ass| big time)?"
    r"|(?:bot|this bot|the bot) (?:really )?(?:sucks|stinks)"
    r"|(?:oh )?(?:shut up|shut it|get lost|piss off|bugger off|sod off|go away|do one|get stuffed|"
    r"screw you|up yours|bite me|eat shit|fuck (?:you|off|u)|f (?:you|off)|stfu|gtfo|kys|"
    r"leave me (?:alone|be|in peace)|stop (?:talking|writing|replying) to me|stop "
    r"(?:messaging|bothering|annoying|spamming|answering) me|be quiet)"
    r"|(?:i |we )?(?:really |fucking )?(?:hate|despise|can'?t stand) (?:you|u|this bot|bots?)"
    r"|you (?:dumb|stupid|useless|absolute|complete|total) \w+"
    r"|(?:what are you|are you) (?:even )?(?:stupid|dumb|thick|blind|daft|for)"
    r"|you (?:don'?t know|know) (?:anything|nothing|jack|shit)"
    r")(?![\w'])"
)
_HINTS = word_set(
    "you youre your u ur ure us ya bot bots chatbot chatbots robot program machine ai thing "
    "software toaster computer ass dumbass dumbasses moron morons idiot idiots imbecile "
    "imbeciles asshole assholes arsehole arseholes dickhead dickheads twat twats prick pricks "
    "wanker wankers numpty numptys dimwit dimwits shut get piss bugger sod go do screw up bite "
    "eat fuck f stfu gtfo kys leave stop be"
)
"""Of these, every insult has a word: most messages need not be searched further."""
_WORD = re.compile(r"\w+")
_NO_TEXT = re.compile(r"[^\w\s',.;:!?-]")
_NO_WORD = re.compile(r"[^\w\s']")
_ADDRESS = word_set("you bot robot you're ur your and but because so u")


def without_insults(text: str) -> str | None:
    """`text` without the insults, blank if it has no other words; None if it has no insult."""
    if (letters := lower_letters(text)) is None:
        return None
    if _HINTS.isdisjoint(_WORD.findall(letters)):
        return None
    plain = " ".join(_NO_TEXT.sub(" ", letters).split())
    rest = _INSULT.sub(" ", plain)
    if rest == plain:
        return None
    words = _NO_WORD.sub(" ", rest).split()
    if all(word in _ADDRESS or is_filler(word.replace("'", "")) for word in words):
        return ""
    return rest
