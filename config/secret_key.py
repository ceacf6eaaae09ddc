"""A secret key that is made on first use and kept in a file.

`python -m config.secret_key` makes the one that SECRET_KEY_FILE names; containers run it before they migrate.
"""

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_urlsafe
from tempfile import NamedTemporaryFile


def kept_in(path: Path) -> str:
    """Return the key in this file, after making it if need be; only our own user may read it.

    It is written whole before it gets its name, so that of two processes that begin at once both have the
    same key.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent) as unfinished:  # its mode is 600
            unfinished.write(token_urlsafe(50))
            unfinished.flush()
            os.fsync(unfinished.fileno())
            with suppress(FileExistsError):  # another process may have been quicker
                os.link(unfinished.name, path)
    return path.read_text()


if __name__ == "__main__":
    if not os.environ.get("SECRET_KEY"):
        kept_in(Path(os.environ["SECRET_KEY_FILE"]))
