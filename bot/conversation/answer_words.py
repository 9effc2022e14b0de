"""The words and phrases that have a meaning in an answer to one of the bot's own questions."""

import re

from bot.conversation.cues import word_set
from bot.sentences.kinds import Side


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b")


# Words are lower-case and without apostrophes: "didnt". A clear yes or no may be followed by an
# opinion: "no it dragged".
CLEAR_YES = word_set(
    "yes yeah yep yup yea yee ye ya yah yeh yas yis yess yepp aye mhm mmhm yessir yeppers yuppers "
    "yh yuh yus yass yuss aha uhhuh yeahh yess yesh indeedy yarp"
)
CLEAR_NO = word_set("no nope nah na naw nay nup noo nopes nein nuh narp nahh nopee non noes")
# These are an answer only if all other words are fillers: "i did", "not really".
WEAK_YES = word_set(
    "sure surely definitely definately definitly defo deffo def totally absolutely absolutly "
    "certainly obviously indeed correct right exactly precisely true understood did was were "
    "would do does "
    "could will is have has affirmative ok okay ofc duh course agreed bingo k y totes always "
    "perfectly massively hugely completely entirely utterly totaly completly bigtime deffinitely "
    "yup correctamundo precisly"
)
WEAK_NO = word_set(
    "not never hardly barely scarcely doubt doubtful wrong incorrect pass negative n unlikely "
    "opposite didnt wasnt werent wouldnt dont doesnt couldnt wont isnt shouldnt aint "
    "havent hasnt"
)
FILLERS = word_set(
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
ANSWERING = CLEAR_YES | CLEAR_NO | WEAK_YES | WEAK_NO
OPINIONATED = word_set("enjoy enjoyed liked love recommend worth fuck fucking hell bloody")
"""Fillers of "yes i enjoyed it" that are an opinion with another answer: "no, i enjoyed it"."""
CONCEDING = word_set(
    "but though tho although despite because cause cos coz cuz since as even except only if when "
    "apart minus besides however albeit while considering given"
)
_ANY_FILLER = "|".join(sorted(FILLERS, key=len, reverse=True))

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


YES, NO = _alone(*_YES_PHRASES), _alone(*_NO_PHRASES)

# These can be understood without the question, but the model, trained on reviews, does not know
# them. The first match decides.
STATED = (
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
CHOICES = {
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
"""An answer of only these and `ECHOES` chooses a side: "the good bits", "up i think"."""
ECHOES = FILLERS | word_set(
    "bits side one stuff parts part more big definitely def thumb thumbs is won option choice wins "
    "unfortunately easily clearly narrowly mile miles far was thmb thmbs tumbs"
)


EMOJI = {
    Side.POSITIVE: frozenset("😍🥰🤩😻🔥💯🎉👏🙌🥳😊😀😃😄😁😎💖💕🏆❤♥🤗😌✨"),
    Side.NEGATIVE: frozenset("🤮🤢😴💤🥱💩😡🤬😠😤🙄😒👿🗑😖😣😫😩💔🚮"),
}
"""Only unambiguous ones; 😂 and 😭 are used for both the best and the worst."""

NEGATING = (WEAK_NO | word_set("any cant cannot neither nor")) - word_set("negative pass")

GRAVE = word_set(
    "die died dying dead death kill kills killing suicide suicidal hurt hurts hurting harm harming "
    "cut cutting myself life live living alone worthless hopeless end ending anymore help pills "
    "jump bridge scared danger unsafe hit hits beats abuse abused refund money manager human person"
)
"""In an answer, these may mean something more important than the film."""

IDIOMS = re.compile(
    r"\b(?:warts and all|for what its worth|all things considered|put it that way|to be (?:fair|"
    r"honest|frank)|in all honesty|if im (?:being )?(?:honest|fair)(?: with you)?|id have to say|"
    r"when all(?:s| is) said and done|(?:do )?you know what|at the end of the day|in the end|"
    r"on (?:the whole|balance)|all in all|truth be told|not gonna lie|ngl|if you ask me|i have to "
    r"say|have to say|must say|if (?:i|you) must|if anything|if (?:i )?(?:had to|have to|must) "
    r"(?:choose|pick|"
    r"say|decide)|if (?:pushed|pressed|forced)|push comes to shove)\b"
)
"""Phrases in an answer that have no meaning of their own."""
MISSPELT = (
    (re.compile(r"\bdef+[aeiu]n\w*?l+e?y\b"), "definitely"),
    (re.compile(r"\babs[aeiou]l\w*l?y\b"), "absolutely"),
    (re.compile(r"\bprob[a-z]*l[ey]+\b"), "probably"),
    (re.compile(r"\bth[umb]{2,4}s?\b"), "thumbs"),
)

ECHO = re.compile(
    r"(?:(?:oh|well|no|nope|nah|yes|yeah|yep|right|correct|true|indeed|exactly|agreed|sadly) "
    r")*(?:it|that|this) (?:\w+ly |just |so |sadly )*"
    r"(?P<said>wasnt|isnt|was not|is not|was|is)(?: (?:really|sadly|actually|at all|for me))*"
)
"""Repeats the verb of a statement: to "it wasn't for you", "it really wasn't" agrees."""
