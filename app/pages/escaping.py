"""Hostile text made safe for terminals, Markdown, XML and GitHub's workflow commands.

Names of metrics, models and slices come from whoever wrote the result file. Nothing here trusts
them, and nothing is dropped silently: what cannot be shown becomes a visible replacement.
"""

import json
import re
from html import escape

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])")
_LINKING = re.compile(r":(?=//)|\bwww(?=\.)|[@#](?=\w)", re.IGNORECASE)
_BLOCK = re.compile(r"^(\d{1,9}(?=[.)](?:\s|$))|(?=(?:[-+]|#{1,6})(?:\s|$))|(?=[-=]+\s*$))")
_LINE_COMMAND = re.compile(r"^(\s*)::")
_COMMAND = re.compile(r"##(?=\w*\[)")
_ZERO_WIDTH_SPACE = "\N{ZERO WIDTH SPACE}"


def terminal(text: str) -> str:
    """One line without control, bidirectional, invisible or unassigned characters.

    CI systems read commands in what a job prints: a line that starts with `::` (GitHub), `##[` and
    `##vso[` (Azure, TeamCity) anywhere. A blank inside keeps such text from being one.
    """
    return unlike_a_command("".join(_shown(character) for character in text))


def unlike_a_command(line: str) -> str:
    """The line with a blank inside anything that a CI system would obey."""
    return _LINE_COMMAND.sub(r"\1: :", _COMMAND.sub("# #", line))


def visible(text: str) -> str:
    """The same for pages, where line breaks may stay."""
    return "".join(c if c == "\n" else _shown(c) for c in text)


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else REPLACEMENT


def markdown(text: str) -> str:
    """Text that any Markdown renders as itself: no link, no image, no HTML, no table cell.

    GitHub makes links of addresses, `@name` and `#12` after rendering, where no backslash helps;
    a zero-width space does.
    """
    line = terminal(text).strip()
    line = _MARKDOWN.sub(r"\\\g<0>", line)
    line = _LINKING.sub(rf"\g<0>{_ZERO_WIDTH_SPACE}", line)
    return _BLOCK.sub(r"\1\\", line)


def json_text(value: object) -> str:
    """A JSON value, indented, in which no CI system finds a command."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    return _COMMAND.sub(r"\\u0023#", text)


def xml(text: str) -> str:
    """Text for XML 1.0 content and quoted attributes."""
    return escape(visible(text)).replace("\n", "&#10;").replace("##", "&#35;#")


def workflow_message(text: str) -> str:
    """The message of a GitHub workflow command, kept on its line."""
    return visible(text).replace("%", "%25").replace("\n", "%0A")


def workflow_property(text: str) -> str:
    """A property of a GitHub workflow command, such as its title."""
    return workflow_message(text).replace(":", "%3A").replace(",", "%2C")
