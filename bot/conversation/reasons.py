"""Whether a customer asks why the bot thinks so, and what to reply. Knows no platform.

The concierge keeps no review, so it cannot explain one: a front end can, which has the review at
hand (the terminal) or can read it again when a button is pressed.
"""

import re

from bot.conversation.answers import lower_letters
from bot.conversation.cues import word_set
from bot.conversation.questions import GivenVerdict, HeldQuestion
from bot.sentences.kinds import Kind

MAX_WORDS = 16
"""Of such a question; a longer one is about the film."""

_CUE = re.compile(
    r"\b(?:why|whys|whyd|how ?come|how so|how(?:d| exactly)?(?: did| do| can| could| would| have)? "
    r"(?:exactly )?(?:you|u)|what (?:exactly |in my \w+ )?(?:makes?|made|making|led|gave|tipped|is "
    r"making)|(?:what|which) (?:of my )?(?:words?|parts?|bits?)|where (?:did|do|have) (?:you|u)|"
    r"what (?:do|did) (?:you|u) base|(?:based|going|judging) (?:on|by) what|(?:on|because of|for|"
    r"by) what|for which reason|explain|explanation|justify|reasons?|reasoning|logic)\b"
)
"""What asks for reasons. All words are of `_OTHERS`, so the question is not about the film."""
_THINKING = word_set(
    "think thought thinking say said saying know knew tell told get got getting gather come came "
    "work worked figure figured decide decided conclude concluded judge judged read take took "
    "taken taking understand understood interpret believe feel felt assume assumed assuming guess "
    "guessed reckon suppose see saw arrive arrived reach reached make made makes making led gave "
    "ask asking unsure sure certain explain counted tipped base reasons reasoning logic"
)
_OTHERS = _THINKING | word_set(
    "why whys whyd how howd come so what whats which where when that thats this these those it its "
    "is was are were r do did does didnt dont doesnt wasnt isnt cant couldnt can could would will "
    "have has had you u ya your youre ur yours i im id ive me my mine we to up with at of on by "
    "from for as in out off away about because based base going give judging a an the and or but "
    "ok okay oh ah um er hm hmm huh well wait hey hi bot lol haha sorry please pls plz really just "
    "then exactly even though tho mate anyway actually again now curious wondering interest "
    "curiosity such kind question one answer reply verdict judgement judgment decision conclusion "
    "idea view opinion reason reasons reasoning logic explanation thinking basis grounds message "
    "messages review comment post words word part parts bit bits text mood sentence sense "
    "impression like liked love loved hate hated enjoy enjoyed dislike disliked film movie good "
    "bad great negative positive mixed complaint complaining praise happy unhappy thumbs down "
    "wrong right not no yes more all some very any justify yourself way make if may might mind"
)
_TO_THE_BOT = word_set("you u ya your youre ur bot yourself")
_TO_ANYONE = re.compile(
    r"(?:and |but |so |ok |oh |um |hm+ |huh |wait |pls |please |lol |really |give me "
    r"(?:a|the) )*"
    r"(?:why|whys|how come|how so|explain|(?:for|on|by|because of|based on) (?:what|which)|"
    r"(?:what|which) (?:words?|parts?|bits?)|what (?:gave|tipped|was|is)|(?:the )?reasons?)\b"
    r"(?!.*\b(?:i|we|not|film|movie|bad|good|so (?:bad|good))\b)"
    r"|why (?:a )?(?:bad|good)$"
)
"""Without a word for the bot, a short question such as "why is that?"; but not "why not"."""
_DOUBT = re.compile(
    r"(?:oh |no |wait |what )*(?:really|seriously|honestly|is that so|"
    r"(?:are )?(?:you|u) (?:really )?sure(?: about (?:that|this|it))?) ?\?+"
)
"""Without the question mark, "really" confirms what was said."""
_POLITE = re.compile(r"\b(?:(?:may|might|can) i ask|(?:id like|i want|i wanted) to know)\b")
_NO_LETTERS = re.compile(r"[^\w\s]")


def asks_why(text: str) -> bool:
    """Whether a message after a verdict asks for its reasons: "why?", "what makes you say that"."""
    plain = (lower_letters(text) or "").replace("'", "")
    if _DOUBT.fullmatch(plain.strip()) is not None:
        return True
    words = _POLITE.sub(" ", " ".join(_NO_LETTERS.sub(" ", plain).split())).split()
    said, known = " ".join(words), frozenset(words)
    if not 0 < len(words) <= MAX_WORDS or not known <= _OTHERS or _CUE.search(said) is None:
        return False
    if known.isdisjoint(_TO_THE_BOT):
        return _TO_ANYONE.match(said) is not None
    # "Why are you sorry?" says that there is no reason to be.
    is_asked = not known.isdisjoint({"why", "whys", "whyd"}) or not known.isdisjoint(_THINKING)
    return is_asked and "you sorry" not in said


def reply_to_why(text: str, held: object) -> Kind | None:
    """The kind of reply to a customer who asks why; None where they do not, or where the bot has
    said nothing that rests on a review. `held` is what their message may refer to."""
    if not isinstance(held, GivenVerdict | HeldQuestion) or not asks_why(text):
        return None
    if held.is_judgement:
        return Kind.WHY
    return Kind.EXPLAINED_WORD if isinstance(held, GivenVerdict) else None
