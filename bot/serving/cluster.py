"""The Ray cluster: one of its own, or one of several machines.

Ray is imported only in functions of this package, and only by `python -m bot serve`.
"""

import logging
import os
import socket
from typing import Any

from bot.errors import ServeError

CONNECT_SECONDS = 3.0
"""For the head of a cluster to accept a connection."""

ENVIRONMENT = {
    # Ray Serve's own proxy adds several milliseconds to each answer; HAProxy, one or two.
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    # 5 s, after which it is killed, are too few on a busy machine.
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "30",
    "RAY_USAGE_STATS_ENABLED": "0",
    # 15, so that replicas would get what everything else leaves, such as a training.
    "RAY_worker_niceness": "0",
}
"""For Ray, in every process of a cluster. What is set already stays."""


def connect(host: str, port: int, head: tuple[str, int] | None = None) -> None:
    """Joins the cluster with this head (host, port), of which this machine must be a member.

    None: starts one, which ends with this process. Raises ServeError: there is no such cluster, or
    the replicas cannot be reached at `host` and `port`.
    """
    if head is None:
        _require_free(host, port)
    else:
        _require_head(*head)
    os.environ.update({name: os.environ.get(name, value) for name, value in ENVIRONMENT.items()})
    import ray
    import ray.serve

    logging.getLogger("ray").setLevel(logging.ERROR)
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if head is None:
        ray.init("local", include_dashboard=False, **quiet)
        return
    try:
        ray.init("{}:{}".format(*head), **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ServeError(
            f"This machine is in no Ray cluster with the head {head[0]} ({type(error).__name__}). "
            "Start Ray here first, with the cluster's token: docs/scaling.md says how"
        ) from None


def _require_free(host: str, port: int) -> None:
    """Raises ServeError: HAProxy would only log that it cannot listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise ServeError(
            f"The replicas cannot be reached at --host {host} and --port {port} "
            f"({os.strerror(error.errno or 0)}): choose another port, or an address of this machine"
        ) from None


def _require_head(host: str, port: int) -> None:
    """Raises ServeError: Ray would try for minutes."""
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise ServeError(
            f"There is no head of a Ray cluster at {host}:{port} ({type(error).__name__}). Start "
            f"it there with: ray start --head --port={port}"
        ) from None


def disconnect() -> None:
    """Leaves the cluster, or ends that of this process."""
    import ray

    ray.shutdown()
