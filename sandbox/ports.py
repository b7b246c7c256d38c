"""Free ports on loopback."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable

LOOPBACK = "127.0.0.1"

# Below the range that Linux gives to outgoing connections, so that none of those takes a chosen
# port between the choice and the start of the server.
_RANGE = range(20000, 32000)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose(names: Iterable[str]) -> dict[str, int]:
    """A free port for each name, all different.

    They are chosen at random, so that sandboxes that start at the same moment rarely pick the
    same; a server that finds its port taken after all is started again with others.
    """
    chosen: dict[str, int] = {}
    for name in names:
        port = random.choice(_RANGE)  # noqa: S311
        while port in chosen.values() or not _is_free(port):
            port = random.choice(_RANGE)  # noqa: S311
        chosen[name] = port
    return chosen
