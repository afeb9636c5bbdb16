"""Cards for chats: one sentence and a link. Nothing a stranger typed can mention or format."""

from collections.abc import Mapping
from typing import Any, Final

from app.notices.wording import sentence, where

_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MOST: Final = 2900


def slack(event: Mapping[str, Any]) -> dict[str, Any]:
    """An incoming-webhook message: text as plain text, so that no name becomes a mention."""
    words = sentence(event)[:_MOST]
    block: dict[str, Any] = {
        "type": "section",
        "text": {"type": "plain_text", "text": words, "emoji": False},
    }
    if link := where(event):
        block["accessory"] = {
            "type": "button",
            "text": {"type": "plain_text", "text": "Open"},
            "url": link,
        }
    return {"text": words.translate(_ESCAPES), "blocks": [block]}


def teams(event: Mapping[str, Any]) -> dict[str, Any]:
    """An Adaptive Card for a Workflows URL. A 202 does not prove that anybody saw it."""
    card: dict[str, Any] = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        # A RichTextBlock does not read Markdown; a TextBlock would.
        "body": [
            {
                "type": "RichTextBlock",
                "inlines": [{"type": "TextRun", "text": sentence(event)[:_MOST]}],
            }
        ],
    }
    if link := where(event):
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open", "url": link}]
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}
