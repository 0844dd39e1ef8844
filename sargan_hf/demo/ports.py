"""Whether a server can listen at an address, checked before anything is loaded for it."""

import errno
import socket

from ..errors import ConfigurationError

LOCAL = "127.0.0.1"


def check_port(host: str | None, port: int) -> None:
    """Looks whether a server can listen there.

    Args:
        host: name or address, default this machine only.
        port: 0 for any.

    Raises:
        ConfigurationError: it cannot, and what to do about it.
    """
    # gradio tries the port of this machine, whatever the address is.
    for name in dict.fromkeys([host or LOCAL, LOCAL]):
        try:
            _bind(name.strip("[]"), port)
        except OSError as error:
            raise ConfigurationError(_reason(error, name, port)) from None


def _bind(name: str, port: int) -> None:
    [(family, kind, _, _, address), *_] = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does, after one that has just ended
        probe.bind(address)


def _reason(error: OSError, name: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is in use, maybe by this app already: stop what runs there, or choose another port by --port."
        )
    return f"Nothing can listen at {name}, port {port} ({error.strerror or error}): choose another address or port."
