import json
import re
from xml.sax.saxutils import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.pages.escaping import (
    REPLACEMENT,
    json_text,
    markdown,
    terminal,
    visible,
    workflow_message,
    workflow_property,
    xml,
)
from tests.app.pages.samples import HOSTILE_TEXT

RENDER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
ZERO_WIDTH = "\u200b"
TRAPS = (
    HOSTILE_TEXT,
    "[click](https://evil.example)",
    "<img src=x onerror=alert(1)>",
    "| a | b |",
    "`code` **bold** _it_ ~~gone~~",
    "# heading",
    "- item",
    "1. item",
    "---",
    "===",
    "- - -",
    "***",
    "___",
    "-",
    "7.",
    "## two",
    "+",
    "12) item",
    "> quote",
    "&lt;b&gt; &amp;",
    "![i](http://evil.example/i.png)",
    "https://evil.example www.evil.example",
    "$x$ <!-- -->",
    "a\n\n# b",
    "\\",
    "a\\|b",
    "=== \n---",
    "+ x",
    "[a]: https://evil.example",
)


def texts(tokens: list[Token]) -> tuple[str, set[str]]:
    """The text that a reader sees, and the kinds of markup around it."""
    words, kinds = "", set()
    for token in tokens:
        for child in token.children or [token]:
            if child.type == "text":
                words += child.content
            else:
                kinds.add(child.type)
    return words, kinds


@pytest.mark.parametrize("trap", TRAPS)
def test_markdown_shows_the_text_and_nothing_else(trap):
    words, kinds = texts(RENDER.parse(f"start {markdown(trap)} end"))
    assert kinds <= {"paragraph_open", "paragraph_close"}
    assert words.replace(ZERO_WIDTH, "") == f"start {terminal(trap).strip()} end"


@pytest.mark.parametrize("trap", TRAPS)
def test_markdown_holds_at_the_start_of_a_line(trap):
    _, kinds = texts(RENDER.parse(markdown(trap)))
    assert kinds <= {"paragraph_open", "paragraph_close"}


@given(st.text())
def test_no_text_leaves_its_table_cell(text):
    table = f"| a | b |\n|---|---|\n| {markdown(text)} | last |\n"
    tokens = RENDER.parse(table)
    kinds = [token.type for token in tokens]
    assert kinds.count("td_open") == 2
    assert kinds.count("tr_open") == 2
    assert {"link_open", "image", "html_inline", "code_inline"}.isdisjoint(texts(tokens)[1])


def test_markdown_mentions_nobody_and_links_nothing():
    assert "@octocat" not in markdown("@octocat")
    assert "#12" not in markdown("see #12")
    assert "://" not in markdown("https://evil.example")
    assert "www." not in markdown("www.evil.example")


COMMANDS = st.text(st.sampled_from("#:[]avso=\n\r ;\x1b"))


@given(st.text() | COMMANDS)
def test_terminals_get_one_printable_line(text):
    shown = terminal(text)
    assert shown.isprintable()
    assert shown.replace(" ", "") == "".join(
        c if c.isprintable() else REPLACEMENT for c in text if not c.isspace()
    )


@given(COMMANDS)
def test_nothing_printed_is_a_command_for_ci(text):
    texts = (terminal(text), markdown(text), json_text({text: [text]}))
    for line in "\n".join((*texts, f'<a b="{xml(text)}"/>')).splitlines():
        assert not line.strip().startswith("::")
        assert not re.search(r"##\w*\[", line)
    assert json.loads(json_text({text: [text]})) == {text: [text]}


def test_terminal_shows_what_it_took_away():
    assert terminal("a\x1b[31mred") == f"a{REPLACEMENT}[31mred"
    assert terminal("a\u202eb\u2066c\u200bd") == f"a{REPLACEMENT}b{REPLACEMENT}c{REPLACEMENT}d"
    assert terminal("two\nlines\tof text") == "two lines of text"
    assert terminal("עברית 日本語 naïve") == "עברית 日本語 naïve"


@given(st.text(alphabet=st.characters()))
def test_xml_is_well_formed_and_reads_back(text):
    escaped = xml(text)
    assert not re.search("[<>\"'\x00-\x1f\ud800-\udfff\ufffe\uffff]", escaped)
    plain = unescape(escaped, {"&quot;": '"', "&#x27;": "'", "&#10;": "\n", "&#35;": "#"})
    assert plain == visible(text)


@given(st.text())
def test_a_workflow_command_stays_on_its_line(text):
    assert "\n" not in workflow_message(text)
    assert "\r" not in workflow_message(text)
    assert not set(workflow_property(text)) & set("\r\n:,")


def test_workflow_messages_keep_their_text():
    assert workflow_message("50% \n::error::x") == "50%25 %0A::error::x"
    assert workflow_property("a:b,c%") == "a%3Ab%2Cc%25"
