"""The screens on which pages are looked at, and what counts as accessible."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LIGHT = {"color_scheme": "light"}
DARK = {"color_scheme": "dark"}

LOOKS: dict[str, dict[str, Any]] = {
    "desktop-light": DESKTOP | LIGHT,
    "desktop-dark": DESKTOP | DARK,
    "phone-light": PHONE | LIGHT,
    "phone-dark": PHONE | DARK,
}

# Each screen once and each theme once, for what takes long: half a minute for all pages on one look.
DIAGONAL = ("desktop-light", "phone-dark")

# Decorators for tests: run them on every screen, or on the phone, or without JavaScript.
every_look = pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
either_screen_and_theme = pytest.mark.parametrize("look", [LOOKS[name] for name in DIAGONAL], ids=DIAGONAL)
on_the_phone = pytest.mark.parametrize("look", [LOOKS["phone-light"]], ids=["phone"])
without_javascript = pytest.mark.browser_context_args(java_script_enabled=False)


def assert_accessible(page: Page) -> None:
    """Fail with axe's report when the page breaks one of its rules. The page must allow JavaScript."""
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
