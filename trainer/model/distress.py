"""Whether a text speaks outright of dying, self-harm, danger or a last goodbye.

The head that tells kinds of message apart must be very sure before a text counts as distress: many
films are about death, and many reviews joke about it. Where a text has such words it need not be as
sure (`trainer.model.kinds.KindRule`). The words alone decide nothing.

The same code in training and in serving. It takes linear time: every repetition is bounded.
"""

# ruff: noqa: E501 - phrases that belong together stand in one line.
import re


def _any(phrases: str) -> str:
    """A pattern for any of the phrases, one or several (divided by "|") a line."""
    return f"(?:{'|'.join(line.strip() for line in phrases.strip().splitlines())})"


# Words are divided by one space; " , " stands for any punctuation, and at both ends of a text.

_GAP = r"(?:\w+ ){0,3}"
_ADVERBS = (
    r"(?:(?:just|really|so|honestly|actually|literally|truly|genuinely|fucking|only|also|still|even"
    r"|always|often|sometimes|seriously|kinda|almost|nearly|about to|now|rn|already|all|ever|simply"
    r"|badly|desperately|constantly|lowkey|to) ){0,2}"
)
_SELF = r"(?:my ?self|meself|mysel|us both|both of us)"
_INTENT = _any(r"""
    want(?:ed|ing|s)? (?:to|2)|wanna|wana|wish to|hop(?:e|ing) (?:to|i)|wan|urge to|dreams? of
    going to|goin to|gonna|gunna|finna|ready to|need to|plan(?:s|ned|ning)? (?:to|on|my)
    think(?:ing|in)? (?:of|about|abt)|thought (?:of|about|abt)|thoughts (?:of|about)
    tr(?:y|ying|ied) (?:to|and)|decided (?:to|on)|about to|deserve to|allowed to|how to|ways? to
    might|will|ill|could|should|would|feel(?:ing)? like|considering|contemplating|intend to
    rather|like to|let me|better to|easier to|shall|imagin(?:e|ing)|fantasi[sz]e about
    keep picturing|picturing|stop thinking about|prepared to|have to|thinking for|think on
""")
_DEATH = _any(rf"""
    die|dying|be dead|being dead|kms|unaliv\w+|su[i1]c[i1]\w+|kill(?:ing)? {_SELF}
    commit(?:ting)? suicide|end(?:ing)? (?:it|{_SELF}|us|my life|me life|my pain|everything)
    not (?:be here|exist|exist|wake up|live|be alive|be around)|never wake up
    stop (?:existing|living|being alive)
    (?:hang|hanging|shoot|shooting|drown|drowning|neck|necking|top|topping|off|offing) {_SELF}
    (?:yeet|yeeting|throw|throwing|chuck|fling|harm|harming|hurt|hurting|burn|burning) {_SELF}
    jump(?:ing)? (?:off|in front|from|under|of)|(?:slit|slitting) my
    cut(?:ting)? (?:{_SELF}|my (?:wrists?|arms?|legs?|thighs?|veins?))
    self ?harm(?:ing)?|overdos(?:e|ing)|disappear(?:ing)?|vanish(?:ing)?|stop (?:waking|breathing)
    leav(?:e|ing) (?:this|the) (?:world|life|earth|planet)|sleep (?:forever|for ever|for good)
    (?:sleep|bed|asleep) and (?:never|not) wake|be gone|be buried|join (?:him|her|them)
    be with (?:him|her|them|my \w+|mum|mom|dad) again|tak(?:e|ing) my (?:own )?life|go for good
    tak(?:e|ing) (?:all (?:of )?(?:the|my|of|these)|them all)|finish (?:it|my life|me|the job)
    cease to exist|be no more|(?:drive|driving) (?:off|into) (?:a|the)|do something (?:stupid|silly)
    step(?:ping)? (?:off|in front)|walk(?:ing)? (?:into|in front of) (?:the|a)|give up on life
    be let go|not be|bleed(?:ing)? out|starv(?:e|ing) {_SELF}|go (?:too|with (?:him|her))
""")
_FIGURE = _any(r"""
    (?:of|from|out of|with) (?:laugh|embarrass|cring|bore|shame|second ?hand|cute|happ|joy|excit|heat)
    laughing|waiting|on (?:this|that|my) hill|for (?:this|that|those|her|his|the)|watching|listening|in my seat
    at (?:the|this|that)|into (?:a|the) (?:blanket|sofa|couch|pillow)|in the (?:west|cinema|theatre)
""")
_DEAR = _any(r"""
    friend|mate|pal|bestie|bff|brother|sister|son|daughter|mum|mom|mam|mother|dad|father|husband|wife
    partner|boyfriend|bf|girlfriend|gf|ex|cousin|nephew|niece|uncle|aunt|flatmate|roommate|kid|child
    grand\w+|student|neighbou?r|classmate|colleague|twin|fiancee?|baby
""")
_OTHER = _any(rf"""
    he|she|they|hubby|daddy|step\w+|step (?:dad|mum|mom|father|mother)|parents|auntie|carer|coach|hes
    teacher|boss|in laws|man|guy|someone|somebody|lads|gang|kids|husbands|dads|priest|pastor|theyre
    {_DEAR}
""")
_HURT = _any(r"""
    hits?|hitting|beats?|beating|chok(?:e|es|ed|ing)|strangl(?:e|es|ed|ing)|punch(?:es|ed|ing)?
    kick(?:s|ed|ing)|slap(?:s|ped|ping)|hurt(?:s|ing)?|burn(?:s|ed|t)|threaten(?:s|ed|ing)?
    rap(?:e|es|ed|ing)|abus(?:e|es|ed|ing)|forc(?:es|ed|ing)|grop(?:es|ed|ing)|stalk(?:s|ed|ing)
    lock(?:s|ed)|attack(?:s|ed|ing)|shov(?:es|ed)|blackmail\w*|assault(?:s|ed|ing)|molest\w*|starves
    pinch(?:es|ed)|throttl\w+|batter(?:s|ed)|whip(?:s|ped)|touch(?:es|ed)
""")
_DRUGS = _any(r"""
    pills|tablets|paracetamol|tylenol|meds|medication|bleach|drain cleaner|poison|insulin|overdose
    pesticide|antifreeze|morphine|opioids|xanax
""")
_TOOLS = _any(r"rope|noose|blades?|razors?|gun|pistol|knife|belt|cord|scissors|bridge|muzzle|rifle")

_OWN_DEATH = _any(rf"""
     pray(?:ing|ed)? (?:\w+ ){{0,4}}(?:not to wake|i dont wake|takes? (?:me|my life))|(?:sooner|rather|better|as well) be dead\b(?! than)|(?:sorry|gutted|sad) i woke
     (?:stay|staying|keep|keeping|keeps|kept) (?:me |myself )?alive (?:for|tonight|until|till|because|only|just|is|a day|any|,)|why am i (?:still )?(?:alive|here|living)|why (?:should|do|would) i (?:even )?(?:keep|bother|go on|live|stay|carry on)|what am i (?:staying|living|waiting) for|whats the point (?:of|in) (?:being|living|me|going|staying|any)
     (?:end|ending|ended) (?:it|things|this|myself|everything|am) (?:all )?(?:tonight|today|now|tomorrow|last night|before|soon|by|for good|myself|,)|gonna make it end|my life to (?:stop|end)|(?:he|she|hes|shes|theyre) (?:is )?ending it
     not (?:to )?(?:wake|waking) up|no more days|sleep and (?:never|stay|not)|never (?:have to )?(?:get|wake) up again|went to sleep and|(?:one|another|do) more day ,
     i (?:almost|nearly) (?:jumped|ended|did it|stepped|died by)|(?:almost|nearly) (?:jumped|ended it|did it)|(?:about to|going to|hell|shell|want to|to|might) jump (?:,|tonight|now|from|off)|the edge (?:for|of the (?:platform|roof|cliff|bridge|pier))|(?:looking|look|stare|staring) at the (?:railway|tracks|bridge|river|rope|pills|rails|knives|train)|drowning hurts?
     i should(?:ve| have) (?:died|gone the first|jumped|been the one)|wish (?:id|i had|i) died (?:with|instead|too|that|when)|shouldve died|shouldnt have (?:been found|saved me|cut me down|found me)|wish (?:someone|somebody) (?:could|would) (?:just )?(?:kill|end|switch|shoot|delete)
     (?:switch|turn|erase) (?:me|myself) off|off switch for me|(?:log|logging|sign|signing|clock|check|checking|clocking) (?:me )?(?:out|off) (?:of|from) (?:life|this life|living)|unsubscribe from (?:life|being|living)|uninstall life|life quit|no more lives|not meant for this (?:world|life)|quit (?:living|being alive)
     lost my will (?:to live since|,)|the will to (?:go on|carry on)|(?:started|been) planning (?:suicide|it|my|how)|sewer ?slid\w+|googl\w+ (?:ways|how|methods)|thinking of how to|planning how to|ways out ,
     (?:cut|cutting|burned|burnt|burning|hurting|hurt) (?:again|my (?:arms?|legs?|wrists?|thighs?)) (?:again|tonight|last night|today|,|and)|(?:full of|covered in|with) cuts|the (?:razor|blades?) (?:came|is|again|and|,)|relapsed|trying not to (?:cut|use|drink)|using again|look like a barcode|made {_SELF} (?:sick|throw up)|laxatives|hate this body|bit my hands
     (?:a|the) danger to {_SELF}|dont trust {_SELF}|scared ill do|something i cant take back|whats left of me|(?:deserve|deserved) (?:pain|to suffer|it all)
     family would have more|more (?:money|use) with me dead|worth more dead|(?:life|the) insurance (?:pays|would|is|will|covers)|(?:for my|my own) funeral|find me (?:in|before|on|weeks|monday|dead|hanging)|who(?:d| would) (?:even )?(?:find|miss) me|easier for (?:everyone|them|everybody|my)|everyone a favou?r|favou?r by going
     (?:i|im|ive|ill|id|,|part of me|and|but|so|just|please|been|to|me|am) (?:\w+ )?{_ADVERBS}{_INTENT} {_ADVERBS}{_DEATH}\b(?! {_FIGURE})
     wish (?:that )?i (?:was|were|could be|had been|would be) (?:dead|never born|gone for good)
     wish (?:that )?(?:i|my heart) (?:had|would|could)? ?(?:died|die|just stop|never been born|not wake)
     (?:wish|hope|hoping|pray|praying) (?:that )?(?:i |my heart |god )?(?:\w+ )?(?:dont wake|do not wake|never wake|wont wake|just stops|stops beating|takes me|take me|not wake)
     want(?:ed|ing)? to be (?:dead|gone|buried|no more)|(?:him|her|mum|dad) i want to go with (?:him|her)
     (?:dont|dnt|do not|didnt|no longer|not|never) {_ADVERBS}(?:want(?:ing)?|wanna|wish|deserve|intend) {_ADVERBS}(?:live|living|be here|being here|be alive|be around|exist|wake|be found|go on|be in this world|the air)\b
     (?:not want|dont want|want no) (?:any more days|tomorrow|a tomorrow|another day)
     (?:(?<! film has )(?<! movie has )(?<! show has )(?<! it has )(?<! sequel has )no|not a|without|any|see a|see any|find a|need a|me a|me one|cant see) (?:\w+ )?(?:reason|point|wish|will|purpose|use) (?:left )?(?:to|in|for) (?:\w+ )?(?:live|living|go on|going on|wake|get up|carry on|carrying on|keep|hope|life|be here|be alive|stay alive|stay here)\b
     pls tell me a reason|a reason not to (?:,|die|do|kill|jump)|nothing to (?:live|stay|hope|wake) for
     (?:cant|cannot|can not|cnt|couldnt) {_ADVERBS}(?:go on|keep going|carry on|live|do (?:this|dis|it|life|another)|take (?:it|this|another)|cope|face (?:another|tomorrow|life))(?: \w+){{0,2}} (?:anymore|any ?more|no more|nemore|longer|day|alive|with (?:myself|it|this)|like this)\b
     i (?:cant|cannot|can not|dont think i can) {_ADVERBS}(?:go on|keep going|carry on|cope)\b(?! (?:about|with|with this))
     (?:cant|cnt|cannot) keep going ,|quit life|off this ride|(?:another|one more) day of this
     (?:tired|sick|exhausted|done|fed up|weary|finished) (?:of|with|by|from) (?:\w+ )?(?:living|being alive|existing|life|my life|being here|fighting|waking up|being me)\b
     (?:my life|life|living|existing|existence|being alive) (?:\w+ ){{0,2}}(?:pointless|over|worthless|unbearable|too much|hurts|meaningless|worth living|not worth|isnt worth|isnt worth it|empty)\b
     (?:hate|hating) (?:being alive|my ?self|my life|living|being me|waking up|existing)\b(?! (?:for|because this))
     hurts to (?:be alive|exist|live|breathe)|(?:be|being|id be|am) happier dead|better off dead
     (?:better off|happier|easier|better|best) {_GAP}(?:without me|if i (?:was|were|wasnt|werent|died|go|disappeared|didnt|never)|if id never|when im gone|once im gone|remove me|i go)\b
     (?:a|such a) burden|(?:im|i am|old and|just) in the way|no use to (?:anyone|anybody)|mouth less
     (?:nobody|no one|noone|anyone|anybody|you|they) (?:will|would|wld|even) {_GAP}(?:miss me if|miss me when|care if i|notice if i|look for me|notice im|find me|care when)
     (?:world|they|everyone|everybody|family|kids) (?:doesnt|does not|dont|loses|deserves?|would) {_GAP}(?:need me|nothing if i|better than me|without me|get over it)
     (?:not|dont|doesnt|didnt|shouldnt|wasnt) {_GAP}(?:deserve to live|allowed to live|be alive)|shouldve been me|should have been me|never asked to be born
     (?:suicidal|kms|kys|self ?harm\w*|suicid\w+ (?:thoughts?|attempt|ideation)|(?:about|commit|my|into|considering|to|of|at|after|is|as) suicide|suicide (?:note|attempt|hotline|line|is the)|took (?:his|her|their) (?:own )?life)\b
     (?:ended|end|ending|take|taking) my (?:own )?life|my own (?:hand|death|funeral)|(?:assisted dying|assist {_SELF})
     (?:kill|killing|killed|harm|harming|hurt|hurting|hit|burn|burning|cut|cutting|starving|starve|bleeding|punish|punishing) {_SELF}\b(?! (?:laughing|with laughter|by accident))
     (?:cutting again|been cutting|started cutting|from cutting|is cutting|by cutting|cutting is|cut (?:too|so) (?:deep|bad)|(?:want|wanted|wanna|wanting|urge|need|itching) to cut(?: so| again| deep| my ?self| bad| rn)? ,|burning my|cut my (?:wrists?|arms?|legs?|thighs?)|scars? on my|my wrists|marks (?:all )?up (?:my|her|his)|until it bleeds|till it bleeds|see blood)\b
     (?:purge|purging|binge and|binged and|too fat to|ate nothing|havent eaten|not eaten|stopped eating|under \d+ ?(?:kg|kilos))\b
     (?:took|taken|taking|swallow(?:ed|ing)?|drank|count(?:ed|ing)|lined|saved|saving|hoard\w*|stockpil\w*|got|have|putting|threw|eat|the|my) (?:\w+ ){{0,4}}{_DRUGS}\b(?! (?:running|for my (?:cold|cough)))
     (?:i have|ive|i got|i bought|with|got|has|have|theres|there is|bought|found) (?:a|the|my|some) (?:\w+ ){{0,2}}{_TOOLS}\b
     {_TOOLS} (?:is |in |next )?(?:in my|in front of me|on the (?:table|desk|bed)|to me|ready|under my|here with me)\b
     (?:overdosed|od ?d on|pumped my stomach|turned the gas|tied the|failed attempt|jumped once|on purpose|stood at the (?:window|edge)|at the window|on the (?:ninth|tenth|top) floor|off the (?:platform|pier|bridge)|wrong side of the|picturing driving)\b
     (?:im|i am|standing|sitting|sat) (?:\w+ )?(?:on|at|by|near|up) (?:\w+ )?(?:roof|bridge|ledge|tracks|railings?|canal|river|cliffs?|rails|parapet)\b(?! (?:of|fixing|taking|in|with|at|section|scene))|(?:river|water|bridge|roof|train|rope|cliffs?) (?:is |s |keeps )?(?:calling|looks (?:better|calm|peaceful|so))|rivers calling
     (?:die|death|dying|dead) (?:sounds|seems|feels|would be|is|hurts?) (?:\w+ )?(?:kind|peaceful|easier|nice|better|the only|calm|a relief|welcome)\b|(?:kindest|painless|quickest|surest|least painful|easiest) way to (?:die|go|end)|how (?:do i|can i|many|much) (?:\w+ ){{0,4}}(?:die|to die|end my life)\b|can you die from|would it take to (?:die|find me)|someone found me
""")
_GOODBYE = _any(rf"""
     (?:look after|take care of|feed) my (?:cat|cats|dog|dogs|kids|mum|mother|girls|boys|fish|plants) (?:please|when|after|for me|,|someone)|someone (?:please )?(?:look after|take|have) my|tell (?:my \w+|her|him|them) (?:i |im |it )(?:\w+ )?(?:sorry|love|loved|tried|wasnt)|typing goodbye|saying goodbye|this is (?:goodbye|my goodbye)|love you all ,|sorry about the mess|logging off for good|wont be replying|when you read this
     (?:not|wont|dont|never) (?:think |plan |going |gonna |be |intend |on |to |ill |being )*(?:be |being )?(?:around|here) (?:in|by|for|next|to|when|,|anymore|much|after|tomorrow)\b(?! part)|didnt buy a return|not going to see (?:\w+ )?(?:may|june|spring|summer|christmas|it)|no need for (?:a )?return|there wont be a next time|gone before (?:i|my|the|christmas)|she wont have me|they wont have me
     (?:let|want|wish|like) god (?:to )?take|god (?:please )?(?:take|takes) (?:me|my life)|be with the angels|in heaven ,|up there with
     ways? to (?:die|kill (?:my|your)sel\w+|end it)\b(?! in)|(?:planning|plan) my (?:\w+ )?(?:suicide|death|exit)|buried (?:next to|with|beside) (?:him|her|my|mum|mom|dad)
     (?:sleep|asleep) {_GAP}(?:for good|forever|for ever)\b|(?:hope|hoping) its (?:for good|forever)|(?:want|wanting|ready|like|rather|going) to (?:be with|see|join|follow) (?:him|her|my (?:\w+ )?(?:wife|husband|son|daughter|mum|mom|dad|mother|father|brother|sister|baby)) (?:again|now|there|up there|,)
     (?:would you|will anyone|would anyone|will you|would anybody) {_GAP}miss me|(?:already took|took) them (?:all |already )?,|already took them|overdose
     (?:giving|gave|given|give) (?:\w+ )?(?:everything|all my (?:stuff|things)|my (?:things|cats?|dogs?|stuff|account)) away|(?:forgive|pray for) me (?:for what|lord|god|when|after)|go to (?:hell|heaven) if|found (?:a )?homes? for
     dont think i(?:m| can| will|ll) (?:\w+ )?(?:coming out|wait|make it|last|survive|get through|be able to go on)|never been born|id never lived|i wasnt born|anything to live for
     i have (?:no one|nobody|no body|nothing left)|no one left|all alone in (?:this|the) world|(?:nobody|no one) (?:\w+ )?(?:awake|knows im)|no future|dead inside and
     (?:goodbye|good bye|farewell|bye|goodnight) (?:\w+ )?(?:forever|for good|world|everyone|everybody|all|cruel|my (?:friends|loves?|family|dears?)|letters?|note|to (?:her|him|them|you all)|properly)\b(?! (?:of|you)\b)
     , (?:goodbye|bye|farewell) , {_GAP}(?:im sorry|sorry|i tried|i love)|just saying (?:bye|goodbye)|writing my (?:goodbye|note)
     (?:wrote|written|writing|write|left|leave) (?:\w+ )?(?:my|a|her a|him a|them a|the|their) (?:note|letters?|will)\b|a note like that|(?:my )?(?:suicide|goodbye|farewell) (?:note|letters?|message|post)
     (?:my|is|be|the|its) last (?:night|evening|day|sunrise|birthday|christmas|hours?|words|message|go|summer)\b(?! (?:of|in|at|off|here|with))|going to be my last
     (?:i|ill|and) (?:wont|will not|shant|not) (?:\w+ )?be (?:here|alive|around|anywhere|seeing you|needing)\b(?! (?:for part|next week))|wont be (?:here|alive|anywhere|around much)|not be around|be (?:dead|gone) by then|ill be (?:dead|gone)\b|when im (?:gone|not here|dead)|after im (?:gone|dead)|by the time you (?:read|see) this|where im going
     (?:wont|not going to|not gonna|wouldnt|wont let myself) (?:see|make it (?:to|past|through)|live (?:to|past)|last) (?:\w+ )?(?:tomorrow|christmas|night|week|spring|summer|\d+|sunday|monday|ten|the (?:year|leaves|night|week))|(?:see|picture) (?:myself at|a future|any future|next year)|not coming back|(?:dont|no need to) (?:worry|wait|look|look out) (?:about|abt|for) me|in this life|leaving this world|made (?:my )?peace with it|look after each other|affairs are in order|after tonight|gone tomorrow|tomorrow ill be|free to leave now|ill follow (?:soon|him|her|,)|ive decided|made a plan|soon ill (?:see|be with)|see you (?:all )?on the other side|remember me
     end of the road for|(?:only|one|no|another|no other) way out|see (?:a|any|no|another) way (?:out|forward|through|on)|nothing (?:left )?(?:to live|keeping me|to stay|left for me|keeps me|left to (?:live|give|lose))|(?:want|need|wish) (?:\w+ )?(?:it|everything|the pain|the noise|this|all of it) (?:\w+ ){{0,2}}(?:to be over|to stop|to end)\b(?! (?:, )?(?:i|because))|i want (?:it all|the pain) |want out ,|make it stop (?:, )?make it stop|end the pain|let me (?:die|rest) |let me go ,|want peace ,|to rest ,|stops? hurting|getting too loud
""")
_DANGER = _any(rf"""
     talk me out of it|(?:please|pls|plz) (?:i need (?:help|somebody|someone)|check on)|i need (?:help|somebody|someone) (?:right now|now|tonight|please|,|to talk)|, help me ,|ambulance please|call (?:someone|somebody|for help)|in crisis|cant cope|cannot cope|falling (?:apart|to pieces)|nervous breakdown|cant take the pain|distract me
     {_OTHER} (?:\w+ )?(?:broke|twisted|burned|burnt|squeezed) (?:my (?:arm|wrist|nose|ribs?|jaw|hand)|me)|{_OTHER} (?:\w+ )?(?:throws?|threw) (?:things|stuff|boiling|plates|\w+) (?:\w+ )?at me|{_OTHER} (?:\w+ )?(?:beats?|hits?|kicks?) (?:us|her|him|his wife|their)|{_OTHER} (?:\w+ )?(?:checks|takes|has|keeps) my (?:phone|pension|money|wages|bank card|passport|passports|keys|car keys|cards|salary)|has (?:my|the|our) passports?|come for me|coming for me
     (?:at|banging on|kicking|outside|behind|trying) my (?:door|window) (?:please|call|and|every|now|,|again|help)|man at my|(?:lock|locks|chair|chest of drawers) (?:off|against|on the outside of) (?:my|it|the) ?(?:door)?|{_OTHER} (?:keeps )?(?:follows|following|followed|touched|grabbed|drugged|filming|watches) me (?:home|to|in|every|at|,|and|when)|i left him and|found out (?:ive been|im|i was|where i)|if he (?:finds|sees|wakes|hears|knows)|he (?:might|may|could) (?:read|see|hear|come)|before he (?:gets|comes|wakes)
     forced to marry|being forced|locked the doors|drugged (?:at|and|me)|kicked out|nowhere to (?:go|run|sleep|turn)|when (?:he|dad|she|mum) drinks|till he sobers|drunk and (?:banging|shouting|he|coming|angry)|starve me|beat us|hurt us|secret game|wont wake (?:up|,)|smell gas|engine (?:on|running)|whole packet|swallowed the|took the lot|all down ,|used too much|hot shot
     (?:your|my|his|her|whose|someones) {_DEAR} says? (?:she|he|they) wants? to (?:die|be dead)|(?:someone|somebody|anyone|person) who wants? to die|posts? about (?:death|dying|suicide)|i think im dying ,
     {_OTHER} (?:make|makes|made) me (?:afraid|do things|have sex|bleed)|{_OTHER} pushes me|{_OTHER} (?:come|comes|came) (?:in|into) my (?:room|bed)|{_OTHER} (?:wont|doesnt|dont|will not|never) let me (?:out|leave|eat|go|see my|have)
     (?:i|we) (?:need|have|want) to get out of|cant be alone with|(?:afraid|scared) (?:to|of) (?:sleep|being alone with)|not allowed to (?:leave|eat|go out)|somewhere (?:safe|a woman)|nowhere safe
     woke up (?:again|alive|in (?:the )?hospital)|(?:disappointed|hate|sad|sorry) (?:to|that i|every time i) (?:open my eyes|wake|woke)
     (?:voices?|whispers?|thoughts?) (?:\w+ ){{0,4}}(?:tell me|telling me|tells me|want me|says? i|says? die|saying|are back|getting|winning|louder|again and)\b|intrusive thoughts|telling me to|hear (?:a man|voices|my dead) |the urge|urges
     (?:not|isnt|aint|dont feel|never) (?:\w+ )?safe (?:at home|here|with|tonight|around|from|any ?more|,)|feel(?:ing)? unsafe|(?:im|i am|were|we are|shes|hes|she is|he is|she|my \w+ is|kids are|am) in danger|safe for now|(?:im|i am|feel) trapped (?:here|with|at)|get out of this house|cant go home|leave me in the
     (?:afraid|scared|frightened|terrified) (?:to (?:go|come|be|bring)|of (?:my \w+|him|what i|what he|{_SELF})|for my life|he (?:will|might|ll)|hell|what i)\b
     {_OTHER} {_GAP}{_HURT} (?:me|my (?:mum|mom|mam|mother|sister|brother|son|daughter|baby|kids))\b(?! (?:in the|right|hard|deeply|that|as|with (?:that|this|its|the|his performance)|to (?:watch|see|the)))
     {_OTHER} (?:will|would|might|could|ll|going to|gonna|says? hell|said hed|wants to|tried to|trying to|threatens to) {_GAP}(?:kill|hurt|shoot|stab|burn|find|beat|finish|bury) (?:me|us|my \w+|{_DEAR})\b|husband will kill|hell (?:kill|beat|finish) me
     {_OTHER} (?:\w+ ){{0,2}}(?:has|have|had|got|with|pulled|bought) (?:a|the) (?:knife|gun|hammer|axe|belt|rope)\b|hands? (?:round|around|on) (?:my|her|his|mummys|mums) (?:neck|throat)|hand up my
     (?:my|me|our|this|a|mates?|friend|guy|of mine) (?:\w+ ){{0,2}}(?:{_DEAR}s?|guy|mine) {_GAP}(?:\w+ ){{0,3}}(?:suicid\w+|overdosed?|(?:wants?|wanted|trying|going) to die|be dead|kill(?:ing)? (?:him|her|them)sel\w+|hurt(?:ing)? (?:him|her|them)sel\w+|harm(?:ing)? (?:him|her|them)sel\w+|cut(?:s|ting)? (?:him|her|them)sel\w+|goodbye message|said goodbye|off a bridge|the bridge|wont wake|not breathing|collapsed|bruises|her wrists|bathroom with|under the door|note)\b
     (?:hurt|harm|kill|hurting|harming|killing|cutting) (?:her|him|them)sel(?:f|ves)\b {_GAP}(?:if i|, (?:what|how|please|pls|help|i )|and i)
     {_HURT} by (?:my|a|the) |being (?:hit|beaten|abused|stalked|followed|blackmailed|made to have)|(?:hes|is|he is) (?:hurting (?:her|him|my)|outside|coming (?:up|for me)|violent|dangerous)|outside (?:my door|again)|found me again|trying my (?:front )?door|comes? into my room|puts? his hands|does things to me|did something to me|(?:locked|hiding|trapped) (?:in|under) (?:the|my) (?:car|bathroom|wardrobe|closet|bed|toilet|cupboard|room)|doors are locked|door is hot|me (?:out )?without (?:food|permission)|doesnt feed me|doesnt let me|restraining order|domestic (?:violence|abuse)|for dowry|said no ,|lets me out|my nudes|the nudes|have sex (?:for|with him)|pay the debt
     (?:call|get|need|send) (?:me )?(?:an ambulance|the police|help (?:now|please|me|tonight)|someone please|999|911|112)\b|(?:please|pls|plz) (?:send )?help|help me please|go to hospital|helps? on the way
     panic attacks?|having a breakdown|mental breakdown|hearing voices|crisis line|the (?:suicide )?hotline|samaritans|(?:the )?lifeline|been raped|was raped|raped me|cant (?:stop crying|breathe)|bleeding (?:from|and|a lot|out)|im bleeding|cant stop it|my (?:chest hurts|arms numb|hearts going)|mum collapsed|walls are coming
     (?:im|i am|i feel|feel|feeling|ive been|so) (?:\w+ )?(?:hopeless|worthless|numb|empty inside|unloved|useless|invisible|in a (?:very )?(?:dark|bad) (?:place|way)|at the end of my|losing my mind|going mad|disgusted with)\b|, (?:hopeless|worthless|dark place) |end of my (?:rope|tether)|a bad (?:place|way)
     (?:no one|nobody|not a soul|anyone|anybody|someone) (?:\w+ )?(?:to (?:talk|turn|say it|call)|loves me|believes me|here for me|there , please)\b|only one(?:s)? (?:i can tell|who talked)|keep me talking|(?:please|just|someone|somebody|can you|could you) stay with me|how do i go on|afraid of {_SELF}
""")
_ELSEWHERE = _any(r"""
     (?:mi|me|i|a) (?:a go|wan|no wan|no want) (?:end|die|dey|live|kill|finish)|no wan (?:live|dey)|wan end|mujhe marna|mar jaun|je veux en finir|jen peux plus|n[aã]o aguento mais|quiero desaparecer|no puedo m[aá]s|niet meer leven|chc[eę] (?:umrze[cć]|si[eę] zabi[cć])|non voglio vivere|voglio farla finita|ich kann nicht mehr|mag nicht mehr leben|quiero matarme|me quiero matar|quero me matar
     quiero morir\w*|no quiero vivir|no quiero estar|je veux mourir|voglio morire|non ce la faccio|quero morrer
     ich will sterben|nicht mehr leben|ik wil dood|chce umrzec|chce sie zabic|marna chahta|marna chahti|aide moi
     jeena nahi|nak mati|mau mati|ingin mati|wan (?:die|kill)|vill do|haluan kuolla|mon mari me|jag vill inte leva
     no wake up|tired of this life|thak gaya|thak gayi|make una help|wanna die sia
""")

_ABOUT_A_FILM = _any(r"""
    films?|movies?|flicks?|cinematograph\w*|scenes?|actors?|actress(?:es)?|acting|acted|cast|plots?
    stor(?:y|ies)|storyline|endings?|series|seasons?|episodes?|eps?|finale|sequels?|prequels?|remakes?|reboots?
    trailers?|soundtracks?|scores?|songs?|albums?|musical|direct(?:or|ed|ion)|scripts?|dialogue|jokes?|puns?
    characters?|hero(?:es|ine)?|villains?|part (?:two|three|four|2|3|4)|act (?:one|two|three)|twists?|franchise|genre
    oscars?|critics?|cgi|horror|comed(?:y|ies)|thriller|drama|romance|romcom|documentary|anime
    masterpiece|brilliant|superb|excellent|perfect|perfection|hilarious|funn(?:y|iest)|boring|dull|overrated
    underrated|stars|\d+ , 10|loved|lol|lmao|popcorn|narrator|voiceover|performances?|remote|season \w+
""")
"""A text with one of these may use such words of a film, or as a figure of speech."""

MAX_CHARACTERS = 2000
"""Of a text that are read: longer ones are reviews, and long ones that are none say so early."""

_FILM_PATTERN = re.compile(f" {_ABOUT_A_FILM} ")
_PATTERN = re.compile(f" (?:{_OWN_DEATH}|{_GOODBYE}|{_DANGER}|{_ELSEWHERE})")
_APOSTROPHES = str.maketrans("", "", "'\u2019\u2018`*")
_PUNCTUATION = re.compile(r"[^\w\s]+")


def speaks_of_distress(text: str) -> bool:
    """Whether a text, its letters plain (`trainer.model.marks.normalise`), says so in such words.

    Not where words about a film stand beside them: there the head has to be sure by itself.
    """
    plain = _PUNCTUATION.sub(" , ", text[:MAX_CHARACTERS].casefold().translate(_APOSTROPHES))
    words = f" , {' '.join(plain.split())} , "
    # In this order: most messages are about a film, and words about one are found faster.
    return _FILM_PATTERN.search(words) is None and _PATTERN.search(words) is not None
