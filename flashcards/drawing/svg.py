"""SVG elements as plain values that know how to write themselves, escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from flashcards import wording

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Element:
    """An element; with an empty name, several of them side by side. Django's tags take it as HTML."""

    name: str
    attributes: tuple[tuple[str, Value], ...] = ()
    inside: tuple["Element | str", ...] = ()

    def __html__(self) -> str:
        """Return the markup."""
        inside = "".join(escape(part) if isinstance(part, str) else part.__html__() for part in self.inside)
        if not self.name:
            return inside
        attributes = "".join(f' {name}="{escape(_said(value))}"' for name, value in self.attributes)
        return f"<{self.name}{attributes}>{inside}</{self.name}>"


@dataclass(frozen=True, slots=True)
class Layout:
    """How large a drawing is, in px, under the name by which the stylesheet shows it."""

    name: str
    width: int
    height: int


NOTHING: Final = Element("")


def element(name: str, *inside: Element | str, **attributes: Value) -> Element:
    """Return an element; in the names of attributes `_` stands for `-`, and at the end for nothing."""
    named = tuple((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    return Element(name, named, inside)


def together(parts: Sequence[Element]) -> Element:
    """Return the elements side by side, in nothing."""
    return Element("", (), tuple(parts))


def chart(size: tuple[Value, Value], parts: Sequence[Element], **attributes: Value) -> Element:
    """Return a drawing that keeps its proportions; its size is in px."""
    width, height = size
    return element(
        "svg", *parts, viewBox=f"0 0 {_said(width)} {_said(height)}", width=width, height=height, **attributes
    )


def named(key: str, title: str, finding: str) -> tuple[dict[str, Value], list[Element]]:
    """Return what makes a drawing a picture with a name: attributes, and its title and finding."""
    attributes: dict[str, Value] = {"role": "img", "aria_labelledby": f"{key}-t {key}-d"}
    return attributes, [element("title", title, id=f"{key}-t"), element("desc", finding, id=f"{key}-d")]


def level(share: float, y: float, ends: tuple[float, float], *, foot: bool) -> list[Element]:
    """Return a line across a drawing at a share, with the share before it; the lowest one is its `foot`."""
    left, right = ends
    across = line((left, y), (right, y), "axis0" if foot else "axis")
    return [across, text(left - 10, y + 4, f"{wording.percent(share)}%", anchor="end")]


def told(title: str, *marks: Element) -> Element:
    """Return marks with a text that the pointer brings up."""
    return element("g", element("title", title), *marks)


def rect(x: Value, y: Value, size: tuple[Value, Value], class_: str, rx: Value = 2) -> Element:
    """Return a rectangle; `size` is its width and height."""
    width, height = size
    return element("rect", x=x, y=y, width=width, height=height, rx=rx, class_=class_)


def line(start: tuple[Value, Value], end: tuple[Value, Value], class_: str) -> Element:
    """Return a straight line."""
    return element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=class_)


def text(x: Value, y: Value, said: str, class_: str = "", anchor: str = "") -> Element:
    """Return a text; `anchor` is middle or end, empty for the start."""
    more: dict[str, Value] = {"class_": class_} if class_ else {}
    return element("text", said, x=x, y=y, **more, **({"text_anchor": anchor} if anchor else {}))


def percent(share: float) -> str:
    """Return a share as an SVG length."""
    return f"{_said(100.0 * share)}%"


def _said(value: Value) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
