"""A port to listen on, and how people reach it: for `clearance serve` and `clearance witness`."""

import socket

import uvicorn

from app.cli.exits import UNREACHABLE, CliError


def bound(config: uvicorn.Config, command: str) -> socket.socket:
    """The port, before anything is promised; uvicorn would end the process where it is taken.

    It listens already: who connects before the service has started waits instead of being refused.
    """
    try:
        listening = config.bind_socket()
    except SystemExit:
        raise CliError(
            f"Port {config.port} on {config.host} cannot be listened on.",
            f"Is a service running there already? Else: {command} --port {config.port + 1}",
            code=UNREACHABLE,
        ) from None
    listening.listen(config.backlog)
    return listening


def address(host: str, port: int) -> str:
    """Where a browser on this machine finds it."""
    if host in {"0.0.0.0", "::", "127.0.0.1"}:  # noqa: S104 - compared, not bound to
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
