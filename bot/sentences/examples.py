"""A sentence of each kind, to copy if a responses.yaml lacks one; the bot never says them."""

EXAMPLES = {
    "positive": "Thank you for your positive review! We're glad you enjoyed the movie.",
    "negative": "We're sorry to hear you didn't enjoy the movie. We appreciate your feedback.",
    "unsure": "I can't quite tell which way that tips. All in all, did you like the film?",
    "leans_positive": "Sounds like you enjoyed it. Did I get that right?",
    "leans_negative": "Sounds like it wasn't for you. Did I get that right?",
    "both": "Fair enough, a bit of both. Thank you for telling us how you saw it!",
    "corrected_positive": "Sorry that I misread you! I'm glad that you liked it.",
    "corrected_negative": "Thank you for putting me right, and sorry that it let you down.",
    "withdrawn": "I got this one wrong; see further down.",
    "abuse": "I'm sorry that I wasn't more help. How did you like the film, in other words?",
    "not_yours": "These buttons are for the person I asked. How did you find the film?",
    "greeting": "Hello! I'm here for film reviews. Tell me about a film you've seen.",
    "thanks": "You're very welcome!",
    "service": "I only read film reviews and can't pass this on. Please ask the team of this "
    "server, such as a moderator.",
    "person": "I'm a program and can't call anybody. Please write to the team of this server, such "
    "as a moderator.",
    "handed_over": "I've passed this on to the team of {server}, and a person will look at it.",
    "out_of_hours": "I've passed this on to the team of {server}. They aren't here just now.",
    "person_is_here": "Here you can talk with the team of this server. I'll keep out of it.",
    "correction": "I'm sorry, I got that wrong. How did you like the film, in other words?",
    "question": "I can't answer questions, I only read film reviews. The team of this server can "
    "help.",
    "distress": "I'm only a program, but people can help. Please talk to someone you trust, or to "
    "a help line: {help_line}.",
    "after_distress": "I'm only a program, so please talk to a person: someone you trust, or a "
    "help line: {help_line}.",
    "off_topic": "I only read film reviews. Which film did you see, and how was it?",
    "foreign": "For now I only read English. Can you write your review in English?",
    "empty": "Hello! Write your review in the same message, and I'll read it.",
    "attachment": "I can't open pictures or files. How did you like the film, in a few words?",
    "wordless": "Could you put that into a few words for me?",
    "busy": "Lots of people are writing to me right now. Please try again in a minute!",
    "failure": "Sorry, something went wrong on our side. Please try again in a moment.",
    "haste": "One at a time, please! I'll read your next review in a few seconds.",
    "unread": "I can't see replies that don't mention me. Mention me with your review!",
    "robot": "That was written by a bot, so I'd rather not judge it.",
    "unexplained": "The review is gone, and I keep no copy, so I can't say which words it was.",
    "explained_mark": "The mark that you gave counted, too.",
    "explained_emoji": "Your emoji counted, too.",
    "explained_together": "It counted together with what you wrote before.",
    "explained_word": "You said it yourself, so I took your word for it.",
    "help": "I read film reviews in English. Mention me with yours, or use `/review`.",
    "privacy": "I read what I am asked to read, reply, and keep none of it. Any questions? Write "
    "to {owner}.",
    "kept_requests": "I keep counts of my replies for {retention}, and, until the team of {server} "
    "are done with it, a link to a message that needs a person.",
    "kept_figures": "I keep counts of my replies for {retention}, and pass nothing on.",
    "kept_nothing": "I keep nothing at the moment, as my database is off.",
    "forgotten": "I've deleted what I had of you.",
}
