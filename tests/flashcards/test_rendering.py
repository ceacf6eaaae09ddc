"""What card text may become. The lists of what is allowed are written down here once more, on purpose."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashcards import rendering
from flashcards.rendering import TextError, formula_html, inline_html, markdown_html

HOSTILE = (Path(__file__).parent / "hostile_texts.txt").read_text().splitlines()
CSS = (Path(rendering.__file__).parents[1] / "static/css/code.css").read_text()

INLINE = {"a", "b", "br", "code", "em", "i", "span", "strong"}
BLOCK = set("blockquote div h3 h4 h5 h6 hr li ol p pre table tbody td th thead tr ul".split())
MATH = set(
    "math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow mspace msqrt"
    " msub msubsup msup mtable mtd mtext mtr munder munderover".split()
)
HTML_ATTRIBUTES = {
    "a": {"href", "rel"},
    "div": {"class"},
    "ol": {"start"},
    "span": {"class"},
    "td": {"class"},
    "th": {"class"},
}
MATH_ATTRIBUTES = set(
    "accent accentunder alttext class depth display displaystyle form height largeop linethickness lspace"
    " mathvariant maxsize minsize movablelimits notation rspace scriptlevel stretchy symmetric voffset"
    " width".split()
)
READABLE = 4.5  # WCAG 2.2, 1.4.3, level AA
INTERVIEW_FORMULAS = [
    r"\frac{\partial L}{\partial w_{ij}}=\delta_j\,x_i",
    r"\mathrm{softmax}(z)_i=\frac{e^{z_i}}{\sum_{j=1}^{K}e^{z_j}}",
    r"\mathrm{Attention}(Q,K,V)=\mathrm{softmax}\left(\frac{QK^{\top}}{\sqrt{d_k}}\right)V",
    r"\theta_{t+1}=\theta_t-\eta\,\nabla_\theta\mathcal{L}(\theta_t)",
    r"\begin{cases}1&\text{if }x>0\\0&\text{otherwise}\end{cases}",
    r"\hat{y}=\sigma(\mathbf{w}^\top\mathbf{x}+b),\ \bar x,\ \tilde z,\ \vec v",
    r"\mathbb{E}_{x\sim p_{\text{data}}}[\log D(x)]",
    r"D_{\mathrm{KL}}(p\,\|\,q)=\sum_x p(x)\log\frac{p(x)}{q(x)}",
    r"\operatorname*{arg\,max}_{\theta}\prod_{i=1}^n p(x_i\mid\theta)",
    r"\begin{aligned}a&=b\\&=c\end{aligned}",
    r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
    r"\underbrace{a+b}_{\text{sum}},\ \lVert w\rVert_2^2,\ \binom{n}{k},\ \int_0^\infty e^{-x^2}\,dx",
]


class Walker(HTMLParser):
    """Collects what a parser that isn't nh3's finds: every tag, attribute, comment and declaration."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.others = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_comment(self, data):
        self.others.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def assert_harmless(html, tags):
    found = Walker(html)
    assert set(found.tags) <= tags
    assert not found.others
    for tag, name, value in found.attributes:
        assert name in (MATH_ATTRIBUTES if tag in MATH else HTML_ATTRIBUTES.get(tag, set()))
        if name == "href":
            assert re.match("(https?|mailto):", value, re.IGNORECASE)
        if name == "class":
            assert re.fullmatch(r"[a-z0-9_ -]*", value)
    links = [value for tag, name, value in found.attributes if name == "rel"]
    assert links == ["noopener nofollow ugc"] * found.tags.count("a")


def error(function, text):
    with pytest.raises(TextError) as caught:
        function(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "<p>plain</p>"),
        ("a\nb", "<p>a\nb</p>"),
        ("a  \nb", "<p>a<br>\nb</p>"),
        ("**b** *i* `c`", "<p><strong>b</strong> <em>i</em> <code>c</code></p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>'),
        ("> q", "<blockquote>\n<p>q</p>\n</blockquote>"),
        ("a\n\n---", "<p>a</p>\n<hr>"),
        ("```\nx < y\n```", "<pre><code>x &lt; y\n</code></pre>"),
        ("    x", "<pre><code>x\n</code></pre>"),
        (r"\*no\* &amp; &copy;", "<p>*no* &amp; ©</p>"),
        ("", ""),
    ],
)
def test_markdown_becomes_the_html_it_says(text, html):
    assert markdown_html(text) == html


def test_headings_begin_below_those_of_the_page():
    assert markdown_html("# a\n## b\n##### c") == "<h3>a</h3>\n<h4>b</h4>\n<h6>c</h6>"


def test_a_table_scrolls_and_aligns_by_class():
    html = markdown_html("| a | b | c |\n|:--|--:|:-:|\n| 1 | 2 | 3 |")
    assert html.startswith('<div class="table__scroll"><table>')
    assert '<td class="text-align-left">1</td>' in html
    assert '<td class="text-align-right">2</td>' in html
    assert '<td class="text-align-center">3</td>' in html


@pytest.mark.parametrize("address", ["https://a.example/?x=1&y=2", "http://a.example", "mailto:a@b.example"])
def test_a_link_to_the_web_or_by_mail_tells_nothing_and_earns_nothing(address):
    for text in (f"[x]({address})", f"<{address}>", f"[x][y]\n\n[y]: {address}"):
        attributes = {name: value for _, name, value in Walker(markdown_html(text)).attributes}
        assert attributes == {"href": address, "rel": "noopener nofollow ugc"}


@pytest.mark.parametrize("address", ["/settings/", "//a.example", "ftp://a.example", "notes.html", "#x", ""])
def test_a_link_elsewhere_is_refused_with_its_line(address):
    assert error(markdown_html, f"a\n\n[x]({address})") == (
        "Line 3: a link must begin with https://, http:// or mailto:."
    )


def test_an_address_in_prose_stays_prose():
    assert markdown_html("see https://a.example") == "<p>see https://a.example</p>"


def test_html_is_shown_as_typed():
    assert markdown_html("<b>x</b>") == "<p>&lt;b&gt;x&lt;/b&gt;</p>"


def test_a_picture_is_refused_with_its_line():
    message = "Line 3: cards hold no pictures; use words, or a link to the picture."
    assert error(markdown_html, "a\n\n![b](https://a.example/b.png)") == message


def test_code_is_coloured_by_class():
    html = markdown_html("```python\ndef f():\n    return '<b>'\n```")
    assert '<span class="k">def</span>' in html
    assert "&lt;b&gt;" in html


@pytest.mark.parametrize("language", sorted(rendering.LANGUAGES))
def test_every_listed_language_is_one_that_pygments_knows(language):
    assert "<code>" in markdown_html(f"```{language}\nx = 1\n```")


@pytest.mark.parametrize("information", ["", "brainfudge", "pythonx", '"><script>', "text"])
def test_code_in_an_unknown_language_is_shown_without_colours(information):
    assert markdown_html(f"```{information}\nx = 1\n```") == "<pre><code>x = 1\n</code></pre>"


def test_code_too_long_to_colour_is_shown_without_colours():
    short, long = "x = 1\n" * 100, "x = 1\n" * 500
    assert "<span" in markdown_html(f"```python\n{short}```")
    assert markdown_html(f"```python\n{long}```") == f"<pre><code>{long}</code></pre>"


def test_every_colour_can_be_read_on_its_ground_in_both_themes():
    colours = re.findall(r"color: light-dark\((#\w{6}), (#\w{6})\)", CSS)
    assert len(colours) >= 6
    for light, dark in colours:
        assert contrast(light, "#f4f3ee") >= READABLE
        assert contrast(dark, "#1c2027") >= READABLE


def contrast(colour, ground):
    """WCAG 2.2's ratio of relative luminances."""

    def luminance(name):
        parts = [int(name[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = 0.04045
        red, green, blue = (
            part / 12.92 if part <= linear else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance(colour), luminance(ground)))
    return (lighter + 0.05) / (darker + 0.05)


def test_every_class_that_aligns_has_a_rule():
    for name in rendering.CELL_CLASSES:
        assert f".{name} {{" in CSS


@pytest.mark.parametrize("latex", INTERVIEW_FORMULAS)
def test_the_formulas_of_an_interview_become_mathml_with_their_latex_as_alternative(latex):
    html = formula_html(latex)
    assert html.startswith('<div class="formula__scroll"><math alttext="')
    assert ("math", "alttext", latex) in Walker(html).attributes
    assert ("math", "display", "block") in Walker(html).attributes
    assert_harmless(html, {"div"} | MATH)


def test_a_formula_in_a_line_is_inline_and_one_of_its_own_is_for_display():
    assert 'display="block"' not in markdown_html("so $x^2$ it is")
    assert markdown_html("so $$x^2$$ it is").startswith('<p>so <span class="formula__scroll"><math')
    assert markdown_html("$$\nx^2\n$$").startswith('<div class="formula__scroll"><math')
    assert 'display="block"' in markdown_html("$$\nx^2\n$$")


@pytest.mark.parametrize(
    "prose",
    [
        "It costs $5 and $6.",
        "from $5-$10 a month",
        "set $HOME and $PATH",
        "US$5 and US$6",
        r"\$x\$",
        "`$x$`",
        "a $ b $ c",
        "$",
        "$$",
        "1$x$",
    ],
)
def test_a_dollar_in_prose_is_a_dollar(prose):
    assert "<math" not in markdown_html(prose)


def test_the_cells_of_cases_align_by_class_and_nothing_has_a_style():
    html = formula_html(r"\begin{cases}a&b\end{cases}\begin{array}{c|c}a&b\\\hline c&d\end{array}")
    assert 'class="text-align-left padding-right-0 padding-left-1em"' in html
    assert "border-right-0-05em-solid-currentcolor" in html
    assert "style" not in {name for _, name, _ in Walker(html).attributes}


def test_words_in_a_formula_are_words():
    html = formula_html(r"\text{a<b \textbf{c} \texttt{d}}")
    assert "<mtext>a&lt;b&nbsp;</mtext>" in html
    assert "<b>c</b>" in html


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        (
            "a\n\n> see $\\frac{a$",
            "Line 3, column 7. Formula “\\frac{a” ",
            'doesn\'t parse (Expected closing token "}", but reached end of input); correct it at',
        ),
        (
            "a\n\n$$\nx + \\foo\n$$",
            "Line 3, column 1. Formula “x + \\foo” ",
            'doesn\'t parse (Unknown command "\\foo"); correct it at its character 5',
        ),
        (
            "one\r\ntwo $\\color{red}x$",
            "Line 2, column 5. Formula “\\color{red}x” ",
            "uses \\color, which cards don't support; write it without.",
        ),
        (
            "$$ $$",
            "Line 1, column 1. Formula “” ",
            "is empty; write it or remove its dollar signs.",
        ),
        (
            "| a |\n|---|\n| $\\hspace{99em}$ |",
            "Line 3, column 3. Formula “\\hspace{99em}” ",
            "has a length above 10; use a smaller one.",
        ),
    ],
)
def test_a_formula_that_fails_is_refused_with_its_place_and_the_reason(text, place, problem):
    assert error(markdown_html, text).startswith(place + problem)


def test_a_formula_alone_is_refused_with_the_reason():
    assert error(formula_html, r"\frac{a").startswith(r"Formula “\frac{a” doesn't parse")
    assert error(formula_html, "  ") == "Formula “” is empty; write it or remove its dollar signs."
    assert "has 1,001 characters; shorten it to 1,000" in error(formula_html, "x" * 1001)


@pytest.mark.parametrize(
    "command", ["newcommand", "renewcommand", "def", "let", "label", "eqref", "color", "textcolor", "cancel"]
)
def test_a_command_that_cards_do_not_support_is_named(command):
    assert f"uses \\{command}, which" in error(formula_html, rf"\{command}{{x}}{{y}}")


def test_a_command_that_only_begins_like_a_refused_one_passes():
    assert formula_html(r"\left( x \right)")


@pytest.mark.parametrize(
    "latex",
    [
        "{" * 500 + "}" * 500,
        "{%}\n" * 240,
        "}" * 500 + "{" * 500,
        r"\}{" * 300,
        r"\sqrt{" * 31 + "x" + "}" * 31,
    ],
)
def test_braces_too_deep_are_refused_before_math_core_sees_them(latex):
    assert "nests braces" in error(formula_html, latex)
    assert "nests braces" in error(markdown_html, f"${latex.strip()}$")


def test_no_formula_that_passes_takes_a_small_thread_down():
    """512 kB is the smallest stack a thread gets where this runs; a crash shows as the exit code -11."""
    deep = [
        r"\sqrt " * 160 + "x",
        r"\hat" * 240 + " x",
        r"\frac1" * 160 + "x",
        r"\left(" * 70 + "x" + r"\right)" * 70,
        r"\sqrt[" * 100 + "x" + "]x" * 100,
        "x^{" * 30 + "x" + "}" * 30,
        r"\not" * 240 + "=",
        r"\begin{array}{c}" * 30 + "x" + r"\end{array}" * 30,
    ]
    program = (
        "import sys, threading\n"
        "from flashcards.rendering import TextError, formula_html\n"
        "def run():\n"
        "    for latex in eval(sys.argv[1]):\n"
        "        try: formula_html(latex)\n"
        "        except TextError: pass\n"
        "threading.stack_size(512 * 1024)\n"
        "thread = threading.Thread(target=run); thread.start(); thread.join()\n"
    )
    root = Path(rendering.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", program, repr(deep)], cwd=root, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("function", [markdown_html, inline_html, formula_html])
def test_what_no_database_can_store_is_refused_with_its_place(function):
    assert error(function, "a\nbc\0") == "Line 2, column 3: a NUL character can't be stored; remove it."
    assert error(function, "\ud800") == "Line 1, column 1: half a surrogate pair can't be stored; remove it."
    assert error(function, "x" * 50_001) == (
        "The text has 50,001 characters; keep to 50,000 or split the card."
    )


def test_a_text_of_the_longest_length_is_rendered():
    assert markdown_html("x" * 50_000)


def test_one_line_has_no_blocks():
    assert inline_html("# a **b** $x$").startswith('# a <strong>b</strong> <math alttext="x">')
    assert "display" not in inline_html("$$x$$")
    assert inline_html("- a\n\n    b | c") == "- a\n\nb | c"


def test_the_result_is_marked_as_safe():
    assert hasattr(markdown_html("a"), "__html__")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_nothing(text):
    for function, tags in ((markdown_html, INLINE | BLOCK | MATH), (inline_html, INLINE | MATH)):
        try:
            html = function(text)
        except TextError:
            continue
        assert_harmless(html, tags)


def test_the_hostile_texts_are_many():
    assert len(set(HOSTILE)) >= 100


@pytest.mark.parametrize("raw", HOSTILE)
def test_the_cleaner_holds_even_if_all_else_let_html_through(raw):
    cleaned = rendering._BLOCK_CLEANER.clean(raw)
    found = Walker(cleaned)
    assert set(found.tags) <= INLINE | BLOCK | MATH
    assert not {name for _, name, _ in found.attributes} & {"style", "id", "src", "srcdoc", "name", "title"}
    assert not [name for _, name, _ in found.attributes if name.startswith(("on", "hx-", "data-"))]
    for address in (value for _, name, value in found.attributes if name == "href"):
        assert re.match("(https?|mailto):", address, re.IGNORECASE)
    assert rendering._BLOCK_CLEANER.clean(cleaned) == cleaned


pieces = st.one_of(
    st.sampled_from(HOSTILE),
    st.sampled_from(INTERVIEW_FORMULAS).map(lambda latex: f"${latex}$"),
    st.sampled_from(r"$ $$ ` ~~~ * ** _ [ ] ( ) ![ < > & \ | - # = { } ^ \frac \text{ \left &#60;".split()),
    st.sampled_from(
        [" ", "\n", "\n\n", "\t", "    ", "|\n|-|-|\n", "```html\n", "```python\n", "javascript:"]
    ),
    st.text(max_size=20),
)
texts = st.one_of(st.text(st.characters(codec=None)), st.lists(pieces, max_size=12).map("".join))


@given(texts)
def test_any_text_is_refused_or_becomes_html_with_nothing_but_the_allowed(text):
    for function, tags in ((markdown_html, INLINE | BLOCK | MATH), (inline_html, INLINE | MATH)):
        try:
            html = function(text)
        except TextError as refused:
            assert str(refused).endswith(".")  # noqa: PT017 - the point is that it may be refused
            continue
        assert_harmless(html, tags)
        assert function(text) == html


@given(texts)
def test_any_formula_is_refused_or_becomes_mathml(latex):
    try:
        html = formula_html(latex)
    except TextError:
        return
    assert_harmless(html, {"div", "b", "i", "em", "code", "span"} | MATH)


@given(texts)
def test_cleaning_what_is_clean_changes_nothing(text):
    try:
        html = markdown_html(text)
    except TextError:
        return
    assert rendering._BLOCK_CLEANER.clean(html).strip() == html
    assert isinstance(rendering._BLOCK_CLEANER, nh3.Cleaner)


def test_words_beside_an_operator_are_identifiers_so_that_it_keeps_its_spaces():
    assert "<mi>TP</mi><mo>+</mo><mi>FP</mi>" in formula_html(r"\text{TP} + \text{FP}")
    assert "<mtext>if&nbsp;it&nbsp;is</mtext>" in formula_html(r"x \text{if it is} y")
