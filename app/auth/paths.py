"""Where a browser may be sent after a sign-in: nowhere but here."""

_MAX = 1000


def local_path(wanted: str | None) -> str:
    """Where to go after a sign-in: a path of this service, else its front page."""
    if (
        wanted is None
        or len(wanted) > _MAX
        or not wanted.startswith("/")
        or wanted.startswith("//")
        or "\\" in wanted
        or not wanted.isascii()
        or not wanted.isprintable()
    ):
        return "/"
    return wanted
