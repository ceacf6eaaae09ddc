"""A backup is one file that says what is in it, and whether it is whole (docs/decisions/0014-backups.md).

It is a tar archive, which any tar opens: a manifest, then the database as its own tool has written it. Behind
the archive's end, where tar looks no more, a last line holds a checksum over everything before it.
"""

import hashlib
import json
import os
import re
import tarfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
PAYLOAD: Final = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
LAST_LINE: Final = b"\nengram backup, sha256 of all before this line: %s\n"
LAST_LENGTH: Final = len(LAST_LINE % (b"0" * 64))
CHUNK: Final = 1 << 20


class CannotBackUp(Exception):
    """No backup was made; the sentence says why."""


class Unusable(Exception):
    """This file can't be restored here; the sentence says why. Nothing was touched."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds: `engine` is Django's vendor, `key` a fingerprint of the secret key it needs."""

    engine: str
    made_at: str
    migrations: list[str]
    key: str
    format: int = FORMAT


def destination(path: Path, now: datetime) -> Path:
    """Return the file to write: this one, or one named by the time if it is a folder. Raises CannotBackUp."""
    target = path / f"engram-{now:%Y-%m-%dT%H%M%SZ}.tar" if path.is_dir() else path
    if target.exists() or target.is_symlink():
        raise CannotBackUp(f"{target} exists already; a backup overwrites nothing.")
    if not target.parent.is_dir():
        raise CannotBackUp(f"There is no folder {target.parent}.")
    return target


def write(target: Path, dump: Callable[[Path], Manifest], check: Callable[[Path], None]) -> Manifest:
    """Let `dump` write the database into a file, pack it, read all of it back and give it its name.

    `check` looks at the database file that has been read back. Until the last step there is no file of that
    name; what is under way is in a folder beside it, which only our user may enter. Raises CannotBackUp.
    """
    try:
        with TemporaryDirectory(prefix=".engram-backup-", dir=target.parent) as folder:
            dumped, packed, again = (Path(folder) / name for name in ("dumped", "packed", "again"))
            manifest = dump(dumped)
            _pack(dumped, manifest, packed)
            dumped.unlink()
            again.mkdir()
            checked(packed)
            check(unpacked(packed, again))
            _name(packed, target)
    except (OSError, Unusable) as error:
        raise CannotBackUp(f"The backup couldn’t be written: {error}.") from error
    return manifest


def checked(path: Path) -> Manifest:
    """Return what the backup says of itself, once every byte of it is as it was written. Raises Unusable."""
    try:
        with path.open("rb") as file:
            _check_sum(file, path)
        with tarfile.open(path, "r:") as archive:
            member = archive.extractfile(MANIFEST)
            values = json.load(member) if member else {}
    except (OSError, KeyError, ValueError, tarfile.TarError) as error:
        raise Unusable(f"{path} can’t be read as a backup: {error}.") from error
    if values.get("format") != FORMAT:
        raise Unusable(f"{path} is of a newer release, which writes backups in another form.")
    return Manifest(**values)


def unpacked(path: Path, folder: Path) -> Path:
    """Write the database of a checked backup into this folder and return its file."""
    with tarfile.open(path, "r:") as archive:
        [name] = set(archive.getnames()) - {MANIFEST}
        source, target = archive.extractfile(name), folder / "database"
        assert source is not None
        with source, _opened(target) as file:
            while chunk := source.read(CHUNK):
                file.write(chunk)
            _synced(file)
    return target


def _pack(database: Path, manifest: Manifest, target: Path) -> None:
    described = target.with_name("described")
    described.write_text(json.dumps(asdict(manifest), indent=1))
    with _opened(target) as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            archive.add(described, MANIFEST, filter=_nobodys)
            archive.add(database, PAYLOAD[manifest.engine], filter=_nobodys)
        total = _sum(file, file.tell())
        file.write(LAST_LINE % total)
        _synced(file)


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Say nothing of who made it; only they may read what tar unpacks."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _check_sum(file: BinaryIO, path: Path) -> None:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - LAST_LENGTH))
    last = file.read()
    form = re.escape(LAST_LINE).replace(re.escape(b"%s"), rb"([0-9a-f]{64})")
    found = re.fullmatch(form, last)
    if not found:
        raise Unusable(f"{path} is no whole backup of Engram: it was cut short, or is something else.")
    if _sum(file, size - LAST_LENGTH) != found[1]:
        raise Unusable(f"{path} is damaged: its checksum doesn’t fit. Take another backup.")


def _sum(file: BinaryIO, size: int) -> bytes:
    """Return the checksum of so many bytes from the file's beginning, and leave it behind them."""
    total = hashlib.sha256()
    file.seek(0)
    while size and (chunk := file.read(min(CHUNK, size))):
        total.update(chunk)
        size -= len(chunk)
    return total.hexdigest().encode()


def _name(packed: Path, target: Path) -> None:
    """Give the file its name, unless something has got it meanwhile."""
    try:
        os.link(packed, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, as some network shares are
        if target.exists():
            raise
        packed.rename(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Let the names in this folder survive a power failure, where the file system can promise it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def _opened(path: Path) -> BinaryIO:
    """Open a new file to write and read, which only our user may read."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


def _synced(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
