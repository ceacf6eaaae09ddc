"""What the pages of the second factor need: options for a script, a picture to scan, codes in groups."""

import json
from dataclasses import dataclass
from typing import Any

import qrcode
from django import template
from django.core.serializers.json import DjangoJSONEncoder

register = template.Library()


@dataclass(frozen=True, slots=True)
class Picture:
    """A QR code as the data of one SVG path, in a square of `size` units."""

    size: int
    path: str


@register.filter
def as_json(value: Any) -> str:
    """Return the value for an attribute; the content security policy allows no script in the page."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.simple_tag
def qr_code(text: str) -> Picture:
    """Return the text as a QR code, with the four units of quiet around it that scanners need."""
    code = qrcode.QRCode(border=4)
    code.add_data(text)
    rows = code.get_matrix()
    dark = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark)
    return Picture(len(rows), "".join(dark))


@register.filter
def grouped(text: str) -> str:
    """Return the characters in groups of four, which are easier to copy; the spaces may be typed too."""
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))
