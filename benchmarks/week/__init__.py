"""A week of the service desk, on a simulated clock: what people saw, and what the desk's sums say.

    make simulate-week
    python -m benchmarks.week --messages 10000 --home path/to/a/folder/with/checkpoints

The real bot runs in a process of its own beside the loopback Discord. Three servers, one of them
German, write to it for seven simulated days. Staff of the first work on their cards, those of the
second sleep, and the third has none. On the way come a storm of complaints, a broken file of
sentences, two restarts, a kill -9 amid messages, and a training from the chat.

Each kind of reply has one sentence, so the text of a reply shows its kind. At the end, the sums of
the desk must agree with what people saw. The texts are those of `benchmarks.strangers`.
"""
