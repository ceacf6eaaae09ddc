"""Two words about a browser, from what it calls itself."""

from typing import Final

# The first that is found counts: Edge and Opera call themselves Chrome too, and Chrome Safari.
BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chromium", "Chromium"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
    ("python", "a script"),
)
SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
UNKNOWN: Final = "Unknown browser"


def named(user_agent: str) -> str:
    """Return "Firefox on Linux" and the like, without versions and models, which single people out."""
    browser = _first(BROWSERS, user_agent)
    system = _first(SYSTEMS, user_agent)
    if not browser:
        return f"{UNKNOWN} on {system}" if system else UNKNOWN
    name = browser[0].upper() + browser[1:]
    return f"{name} on {system}" if system else name


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for part, name in names if part.lower() in user_agent.lower()), "")
