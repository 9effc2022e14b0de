"""The HTTP front end: it translates between HTTP and the concierge, and decides nothing.

It needs the packages of the extra `http`; `bot.frontends.http.keys` does not.
"""
