"""Card text: Markdown with LaTeX formulas in, safe HTML out.

Raw HTML is off in the Markdown, math-core escapes what it's given, and nh3 keeps only what is listed here.
Call it when a card is saved: a formula that doesn't parse is refused there, with its place.
"""

import re
from html import escape
from itertools import accumulate

import nh3
from django.utils.safestring import mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token
from math_core import LatexError, LatexToMathML
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

MAX_TEXT = 50_000
MAX_FORMULA = 1_000
MAX_BRACES = 30  # math-core recurses: 500 levels, which fit into a formula, crash a thread of 512 kB
MAX_LENGTH = 10  # of a space or a shift, in em or any unit; more would reach outside the card
MAX_CODE = 2_500  # Pygments is quadratic or worse on some input; longer code is shown without colours
LANGUAGES = set(
    "bash c console cpp css cuda diff docker dockerfile go graphql hcl html http ini java javascript js json"
    " julia make promql protobuf py pycon python r rust scala sh shell sql terraform toml ts yaml".split()
)
INLINE_TAGS = set("a b br code em i span strong".split())
BLOCK_TAGS = set("blockquote div h3 h4 h5 h6 hr li ol p pre table tbody td th thead tr ul".split())
MATH_TAGS = set(
    "math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow mspace msqrt"
    " msub msubsup msup mtable mtd mtext mtr munder munderover".split()
)
MATH_ATTRIBUTES = set(
    "accent accentunder alttext depth display displaystyle form height largeop linethickness lspace maxsize"
    " mathvariant minsize movablelimits notation rspace scriptlevel stretchy symmetric voffset width".split()
)
ATTRIBUTES = {"*": set[str](), "a": {"href"}, "ol": {"start"}} | dict.fromkeys(MATH_TAGS, MATH_ATTRIBUTES)
# The Content-Security-Policy stops inline style: each declaration becomes a class, and code.css has these.
# Others that math-core writes (negative space, the full width of numbered equations) are only looks: dropped.
CELL_CLASSES = set(
    "text-align-left text-align-center text-align-right padding-left-0 padding-left-1em padding-right-0"
    " border-top-0-05em-solid-currentcolor border-right-0-05em-solid-currentcolor".split()
)
CLASSES = dict.fromkeys(("mtd", "td", "th"), CELL_CLASSES) | {
    "div": {"formula__scroll", "table__scroll"},
    "span": {"formula__scroll", *STANDARD_TYPES.values()} - {""},
}
# Definitions multiply, labels need ids, colours break the dark theme, and Chromium doesn't draw the strikes.
_REFUSED = re.compile(
    r"\\((re)?newcommand|[egx]?def|let|label|(eq)?ref|(text)?color|[bx]?cancel|phase|angl)(?![A-Za-z])"
)
_LATEX = LatexToMathML(fancy_error=False, max_expansions=0)


class TextError(ValueError):
    """Text that can't be shown; the message says what is wrong, where, and what to do."""


def markdown_html(text: str) -> str:
    """Return block Markdown as safe HTML, or raise TextError."""
    return _render(_MARKDOWN.parse(_checked(text), {}), text, _BLOCK_CLEANER)


def inline_html(text: str) -> str:
    """Return one line of Markdown as safe inline HTML, or raise TextError; marks of blocks stay as typed."""
    return _render(_MARKDOWN.parseInline(_checked(text), {}), text, _INLINE_CLEANER)


def formula_html(latex: str) -> str:
    """Return one LaTeX formula as display MathML, or raise TextError."""
    return _safe(_mathml(_checked(latex), "div"), _BLOCK_CLEANER)


def _checked(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise TextError(f"The text has {len(text):,} characters; keep to {MAX_TEXT:,} or split the card.")
    if bad := re.search("[\0\ud800-\udfff]", text):
        name = "a NUL character" if bad[0] == "\0" else "half a surrogate pair"
        raise TextError(f"{_place(text, bad.start())}: {name} can't be stored; remove it.")
    return text


def _place(text: str, position: int) -> str:
    lines = re.split("\r\n?|\n", text[:position])
    return f"Line {len(lines)}, column {len(lines[-1]) + 1}"


def _render(tokens: list[Token], text: str, cleaner: nh3.Cleaner) -> str:
    _typeset(tokens, text, inline=cleaner is _INLINE_CLEANER)
    return _safe(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}), cleaner)


def _safe(html: str, cleaner: nh3.Cleaner) -> str:
    return mark_safe(cleaner.clean(html).strip())  # noqa: S308 - the cleaner has just seen to it


def _typeset(tokens: list[Token], text: str, *, inline: bool, line: int = 0) -> None:
    """Put MathML into the formula tokens and refuse what cards can't hold; `line` counts from 0."""
    for token in tokens:
        line = token.map[0] if token.map else line
        if token.type.startswith("math_"):
            token.content = _formula(token, text, line, inline=inline)
        elif token.type == "image":
            raise TextError(f"Line {line + 1}: cards hold no pictures; use words, or a link to the picture.")
        elif not re.match("(?i)(https?|mailto):", str(token.attrs.get("href", "mailto:"))):
            raise TextError(f"Line {line + 1}: a link must begin with https://, http:// or mailto:.")
        elif token.type.startswith("heading_"):
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"  # h1 and h2 are the page's own
        elif "style" in token.attrs:
            token.attrs["class"] = _classes(str(token.attrs.pop("style")))
        _typeset(token.children or [], text, inline=inline, line=line)


def _formula(token: Token, text: str, line: int, *, inline: bool) -> str:
    wrapper = "div" if token.block else "" if inline or token.markup == "$" else "span"
    try:
        return _mathml(token.content, wrapper)
    except TextError as error:
        start = sum(map(len, re.split("(\r\n?|\n)", text)[: 2 * line]))
        found = text.find(token.markup + token.content.split("\n")[0], start)
        raise TextError(f"{_place(text, max(found, start))}. {error}") from None


def _mathml(latex: str, wrapper: str) -> str:
    """Return MathML with its LaTeX as the text alternative, for display when a wrapping tag is given."""
    latex = latex.strip()
    named = f"Formula “{latex[:80] + '…' if len(latex) > 80 else latex}”"
    if problem := _problem(latex):
        raise TextError(f"{named} {problem}.")
    try:
        mathml = _LATEX.convert_with_local_state(latex, displaystyle=bool(wrapper))
    except LatexError as error:
        at, _, reason = str(error).rstrip(".").partition(": ")
        advice = rf"correct it at its character {int(at) + 1}, or write \$ for a dollar sign"
        raise TextError(f"{named} doesn't parse ({reason}); {advice}.") from None
    if any(float(length) > MAX_LENGTH for length in re.findall(r'="-?(\d+\.?\d*)[a-z]', mathml)):
        raise TextError(f"{named} has a length above {MAX_LENGTH}; use a smaller one.")
    # Text is space to MathML: between words alone an operator would lose its own spaces.
    mathml = re.sub(r"<mtext>([^\s<]{2,})</mtext>", r"<mi>\1</mi>", mathml)
    mathml = re.sub(' style="([^"]*)"', lambda style: f' class="{_classes(style[1])}"', mathml)
    mathml = mathml.replace("<math", f'<math alttext="{escape(latex)}"', 1)
    return f'<{wrapper} class="formula__scroll">{mathml}</{wrapper}>' if wrapper else mathml


def _problem(latex: str) -> str | None:
    if not latex:
        return "is empty; write it or remove its dollar signs"
    if len(latex) > MAX_FORMULA:
        return f"has {len(latex):,} characters; shorten it to {MAX_FORMULA:,} or split it"
    steps = ({"{": 1, "}": -1}.get(brace, 0) for brace in re.findall(r"(?s)\\.|%[^\n]*|([{}])", latex))
    depths = accumulate(steps, lambda depth, step: max(depth + step, 0))
    if (deepest := max(depths, default=0)) > MAX_BRACES:
        return f"nests braces {deepest} deep; {MAX_BRACES} is the most"
    refused = _REFUSED.search(latex)
    return f"uses {refused[0]}, which cards don't support; write it without" if refused else None


def _classes(style: str) -> str:
    return " ".join(re.sub("[^a-z0-9]+", "-", rule.strip()) for rule in style.split(";"))


def _highlighted(code: str, language: str, _attributes: str) -> str:
    if language.lower() not in LANGUAGES or len(code) > MAX_CODE:
        return escape(code)
    return str(highlight(code, get_lexer_by_name(language, stripnl=False), HtmlFormatter(nowrap=True)))


_STRICT = dict.fromkeys(("allow_labels", "allow_space", "allow_digits", "allow_blank_lines"), False)
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "maxNesting": 20, "highlight": _highlighted})
_MARKDOWN.enable("table").use(dollarmath_plugin, double_inline=True, **_STRICT)
for _name in ("math_inline", "math_inline_double", "math_block"):
    _MARKDOWN.add_render_rule(_name, lambda _renderer, tokens, index, *_: tokens[index].content)
_MARKDOWN.add_render_rule("table_open", lambda *_: '<div class="table__scroll"><table>')
_MARKDOWN.add_render_rule("table_close", lambda *_: "</table></div>")
_INLINE_CLEANER, _BLOCK_CLEANER = (
    nh3.Cleaner(
        tags=tags,
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener nofollow ugc",
    )
    for tags in (INLINE_TAGS | MATH_TAGS, INLINE_TAGS | MATH_TAGS | BLOCK_TAGS)
)
