"""Mail servers in processes of their own: one that does the least it can, one that looks at what it takes.

    python -m tests.bench.sinks bare | keeping

The bare one answers at once and keeps nothing, which no mail server may do. The keeping one is that of the
tests: it reads each mail, looks whether it is well-formed and files it before it says that it has it.
"""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from tests.running.smtp_sink import smtp_sink

OK = b"250 OK\r\n"
ANSWERS = {b"EHLO": b"250-sink\r\n250 8BITMIME\r\n", b"QUIT": b"221 Bye\r\n"}


@contextmanager
def sink(kind: str) -> Iterator[int]:
    """Run one of this kind for the block, on the port that is yielded."""
    command = [sys.executable, "-m", "tests.bench.sinks", kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        # At the end of the block its standard input ends, and so does the process.
        yield int(process.stdout.readline())


def keeping() -> None:
    """Keep what comes in a folder of its own, until standard input ends."""
    with TemporaryDirectory() as folder, smtp_sink(Path(folder)) as server:
        print(server.port, flush=True)
        sys.stdin.read()


def bare() -> None:
    """Answer whoever comes, until standard input ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=_answer_all, args=(listener,), daemon=True).start()
        print(listener.getsockname()[1], flush=True)
        sys.stdin.read()


def _answer_all(listener: socket.socket) -> None:
    while True:
        Thread(target=_answer, args=(listener.accept()[0],), daemon=True).start()


def _answer(caller: socket.socket) -> None:
    caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with caller, caller.makefile("rb") as lines:
        caller.sendall(b"220 sink ESMTP\r\n")
        for line in lines:
            verb = line[:4].upper()
            if verb == b"DATA":
                caller.sendall(b"354 Go on\r\n")
                while lines.readline() not in {b".\r\n", b""}:
                    pass
            caller.sendall(ANSWERS.get(verb, OK))


if __name__ == "__main__":
    {"bare": bare, "keeping": keeping}[sys.argv[1]]()
