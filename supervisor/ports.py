"""TCP ports for the web server and the demo page."""

import os
import socket


def is_free(host: str, port: int) -> bool:
    """Whether a server can listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose_port(variable: str, first: int, host: str, taken: set[int]) -> int:
    """The port named by the environment `variable`, else the first free one from `first` on. Port 0 asks the system for
    one.

    Raises SystemExit where the named one is in use: who asks for a port wants that one.
    """
    wanted = os.environ.get(variable)
    if wanted == "0":
        with socket.socket() as probe:
            probe.bind((host, 0))
            return int(probe.getsockname()[1])
    if wanted:
        if not wanted.isdigit() or not is_free(host, int(wanted)):
            raise SystemExit(f"{variable}={wanted}: that port is not free.")
        return int(wanted)
    for port in range(first, first + 100):
        if port not in taken and is_free(host, port):
            return port
    raise SystemExit(f"No free port between {first} and {first + 99}: set {variable}.")
