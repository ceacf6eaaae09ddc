"""An application whose every answer waits for a file that DONE names, which it says by making ASKED."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer once it may."""
    Path(os.environ["ASKED"]).touch()
    while not Path(os.environ["DONE"]).exists():
        time.sleep(0.01)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]
