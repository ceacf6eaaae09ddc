"""Subsets the fonts of the interface to small WOFF2 files: `python -m config.fonts`.

The fonts come with the locked dependencies and are cut at set-up, so the repository carries no binaries and
no page asks a foreign host. Pages look right without them: the stylesheet falls back to the system's faces.
"""

import hashlib
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "static" / "fonts"
STAMP = FOLDER / ".built"
PACKAGES = {"inter": "fontpkg_inter", "source-serif": "fontpkg_source_serif_4"}
TOOLS = ("fonttools", "brotli", "fontpkg-inter", "fontpkg-source-serif-4", "ziamath")

# The interface is English, its cards are about mathematics and names may come from anywhere in Europe.
# Ranges are inclusive; what a font doesn't have is skipped.
CHARACTERS = (
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x017F),  # Latin-1 and Latin Extended-A
    (0x0391, 0x03C9),  # Greek letters
    (0x2010, 0x2026),  # dashes, quotation marks, bullet, ellipsis
    (0x202F, 0x203A),  # narrow space, per mille, primes, angle quotes
    (0x2070, 0x2099),  # superscripts and subscripts
    (0x20AC, 0x20AC),  # euro
    (0x2113, 0x2122),  # script l, numero, trade mark
    (0x2190, 0x2199),  # arrows
    (0x21D2, 0x21D4),  # implies, if and only if
    (0x2200, 0x22A5),  # mathematical operators
    (0x2713, 0x2717),  # tick and cross
)
# What the formulas of cards are set in: upright, italic, bold and script letters, and the signs of LaTeX.
FORMULAS = (
    (0x0020, 0x007E),
    (0x00A0, 0x00B7),
    (0x00D7, 0x00F7),
    (0x0302, 0x0308),  # hats, bars and dots
    (0x0391, 0x03F5),
    (0x2016, 0x2033),  # norm, ellipsis, primes
    (0x20D7, 0x20D7),  # vector arrow
    (0x2102, 0x2131),  # number sets, script capitals
    (0x2190, 0x2194),
    (0x21A6, 0x21D4),
    (0x2200, 0x22F1),
    (0x2308, 0x230B),  # floor and ceiling
    (0x23DE, 0x23DF),  # braces over and under
    (0x27E8, 0x27E9),  # angle brackets
    (0x1D400, 0x1D467),  # bold and italic Latin
    (0x1D49C, 0x1D4B5),  # script capitals
    (0x1D6E2, 0x1D71B),  # italic Greek
)
KEPT_FEATURES = ("ccmp", "locl", "mark", "mkmk", "kern", "liga", "calt")


@dataclass(frozen=True)
class Font:
    """One file to make: its source in the package, the characters and the part of each axis to keep, and
    features on top of the basic ones."""

    name: str
    package: str
    source: str
    axes: dict[str, float | tuple[float, float]]
    features: tuple[str, ...] = ()
    characters: tuple[tuple[int, int], ...] = CHARACTERS


# Italic is pinned to one weight and size: it marks single words in an answer, and costs a third that way.
FONTS = (
    Font(
        "inter", "fontpkg_inter", "files/Inter[opsz,wght].ttf", {"wght": (400, 700)}, ("tnum", "cv11", "case")
    ),
    Font(
        "source-serif",
        "fontpkg_source_serif_4",
        "files/SourceSerif4[opsz,wght].ttf",
        {"wght": (400, 650), "opsz": (14, 36)},
    ),
    Font(
        "source-serif-italic",
        "fontpkg_source_serif_4",
        "files/SourceSerif4-Italic[opsz,wght].ttf",
        {"wght": 400, "opsz": 18},
    ),
    # Its licence, the OFL too, is in the font's own name table.
    Font("stix-math", "ziamath", "fonts/STIXTwoMath-Regular.ttf", {}, ("ssty", "dtls", "flac"), FORMULAS),
)


def main() -> None:
    """Build every font, unless this recipe and these package versions were built already."""
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted and not missing():
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as workers:
        list(workers.map(build, FONTS))
    for family, package in PACKAGES.items():
        shutil.copyfile(package_folder(package) / "LICENSE", license_path(family))
    STAMP.write_text(wanted)


def fingerprint() -> str:
    """Return a text that changes with this file and with the versions of the packages that it uses."""
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return "\n".join([recipe, *(f"{tool} {version(tool)}" for tool in TOOLS)])


def missing() -> list[Path]:
    """Return the files that somebody has deleted since."""
    files = [*(font_path(font) for font in FONTS), *(license_path(family) for family in PACKAGES)]
    return [path for path in files if not path.exists()]


def font_path(font: Font) -> Path:
    return FOLDER / f"{font.name}.woff2"


def license_path(family: str) -> Path:
    return FOLDER / f"OFL-{family}.txt"


def package_folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None, f"{package} is in requirements.lock"
    assert spec.origin is not None, f"{package} is a regular package"
    return Path(spec.origin).parent


def build(font: Font) -> None:
    """Write one WOFF2 file: fewer glyphs first, as narrowing the axes first would trip over lost ones."""
    # Imported here, because a set-up that has nothing to build shouldn't wait for them.
    from fontTools import subset  # noqa: PLC0415
    from fontTools.ttLib import TTFont  # noqa: PLC0415
    from fontTools.varLib import instancer  # noqa: PLC0415

    source = TTFont(package_folder(font.package) / font.source)
    options = subset.Options(
        layout_features=[*KEPT_FEATURES, *font.features],
        hinting=False,
        notdef_outline=True,
        name_IDs=["*"],
    )
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in font.characters for code in range(first, last + 1)])
    subsetter.subset(source)
    result = instancer.instantiateVariableFont(source, font.axes) if font.axes else source
    result.flavor = "woff2"
    # Renamed into place, so that an interrupted set-up never leaves half a font.
    unfinished = font_path(font).with_suffix(".part")
    result.save(unfinished)
    unfinished.replace(font_path(font))


if __name__ == "__main__":
    main()
