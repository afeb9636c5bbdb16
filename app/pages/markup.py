"""Templates into pages: everything is escaped, and what cannot be shown becomes visible.

Jinja is imported at the first page, because the command line rarely needs one.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from app.pages.escaping import terminal
from app.pages.standing import moment

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def rendered(template: str, **context: Any) -> str:
    """The page that a template makes of a context; an unknown name in it is an error."""
    return _environment().get_template(template).render(**context)


def own_markup(name: str) -> "Markup":
    """A file of ours that needs no escaping, such as a style sheet; never anything from outside."""
    from markupsafe import Markup  # noqa: PLC0415 - only HTML pays for it

    return Markup(_resource(name))  # noqa: S704 - our own file


def when(time: object) -> "Markup":
    """A `<time>` in UTC; the page's script rewrites it in the reader's zone, with UTC on hover."""
    from markupsafe import Markup  # noqa: PLC0415 - only HTML pays for it

    text = time.isoformat() if isinstance(time, datetime) else str(time)
    return Markup('<time datetime="{}">{}</time>').format(text, moment(text))


def date(time: object) -> "Markup":
    """The same for a day: the hour matters to nobody, and stands on hover."""
    from markupsafe import Markup  # noqa: PLC0415 - only HTML pays for it

    text = time.isoformat() if isinstance(time, datetime) else str(time)
    return Markup('<time datetime="{}" data-day>{}</time>').format(text, moment(text))


def ago(age: timedelta) -> str:
    """`12 seconds ago`, in the largest unit that fits."""
    seconds = int(age.total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count != 1 else ''} ago"
    return f"{seconds} second{'s' if seconds != 1 else ''} ago"


def text_lines(text: str) -> "Markup":
    """Text of several lines, for `<pre>`: each line made safe, the breaks kept."""
    from markupsafe import Markup  # noqa: PLC0415 - only HTML pays for it

    return Markup("\n").join(terminal(line) for line in text.splitlines())


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415 - as above

    environment = Environment(
        loader=FunctionLoader(_resource),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    return environment


def _shown(value: object) -> object:
    """Plain text loses its invisible characters before it is escaped; our own markup is kept."""
    return terminal(value) if type(value) is str else value


@cache
def _resource(name: str) -> str:
    return files("app.pages").joinpath("templates", name).read_text("utf-8")


_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "when": when,
    "date": date,
    "ago": ago,
    "text_lines": text_lines,
}
