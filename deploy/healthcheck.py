"""For HEALTHCHECK in the Dockerfile: ends with 0 if the bot in this container can judge texts.

Without packages, because it starts every half minute.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

SECONDS = 3.0
"""Less than the time limit of HEALTHCHECK, so that the reason can be printed."""


def main() -> int:
    """Asks /readyz, and prints the answer, which `docker inspect` shows."""
    # METRICS_PORT is that of the bot on Discord, which has no other.
    port = int(os.environ.get("METRICS_PORT") or os.environ.get("HTTP_PORT") or 8000)
    # Not with urllib, which would send it through a proxy of the environment.
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        print(response.read().decode())
    except (OSError, HTTPException) as error:
        print(f"No answer on port {port}: {type(error).__name__}")
        return 1
    return 0 if response.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
