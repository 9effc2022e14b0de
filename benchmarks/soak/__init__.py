"""The bot under faults: what was injected, and whether every customer got one answer.

    make soak
    python -m benchmarks.soak --quick --home path/to/a/folder/with/checkpoints

The real bot runs in a process of its own beside the loopback Discord. Customers write to it while
its process, its connection, its disk, its memory, its clock or its trainer fail. Each row of the
table is one kind of fault: how often it was injected, the messages sent meanwhile, how many of them
got one reply, none, or more than one, and the seconds until all was answered again.
"""
