"""Keeps programs running: one that ends is started again, one that keeps ending ends the whole.

None outlives us: on Linux not even when we are killed.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
PULSE = 0.1  # seconds between two looks at the children
SETTLED = 30  # seconds of life after which an end is the first one again
PAUSES = (1, 2, 4, 8)  # seconds before the next start; an end after the last of them is one too many

# Loaded before any fork: between fork and exec a child should do as little as it can.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class KeepsStopping(Exception):
    """A program ended again and again soon after its start."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to start.

    `name` is what messages call it, `reads` what it finds on its input, `log` where its output goes if not
    to ours, `sockets` the file descriptors that it inherits.
    """

    name: str
    command: tuple[str, ...]
    reads: str = ""
    log: Path | None = None
    sockets: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)


@dataclass(slots=True)
class Child:
    """A program in our care; `process` is None until its start, and from its end until the next one at `due`.

    Instants are seconds of the monotonic clock.
    """

    program: Program
    process: subprocess.Popen[bytes] | None = None
    began: float = 0
    due: float = 0
    ends: int = 0


def asked_to_stop() -> list[int]:
    """Return a list that stays empty until SIGINT, SIGTERM or SIGHUP comes, and then holds its number."""
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # `nohup` has its way; a shell that starts us in the background ignores SIGINT for us, and has not.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda got, _frame: asked.append(got))
    return asked


def keep_running(
    children: Sequence[Child],
    asked: Sequence[int],
    say: Callable[[str], object],
    pauses: Sequence[float] = PAUSES,
) -> None:
    """Start what doesn't run, until somebody asks us to stop.

    Raises KeepsStopping when a program has ended once more than there are pauses, each time within SETTLED
    seconds of its start.
    """
    while not asked:
        for child in children:
            look_after(child, say, pauses)
        time.sleep(PULSE)


def look_after(child: Child, say: Callable[[str], object], pauses: Sequence[float]) -> None:
    """Start the child if it is due, and note when it has ended."""
    now = time.monotonic()
    if child.process is None:
        if now >= child.due:
            start(child)
    elif child.process.poll() is not None:
        how = _words(child.process.returncode)
        end(child)
        child.ends = child.ends + 1 if now - child.began < SETTLED else 1
        if child.ends > len(pauses):
            raise KeepsStopping(_last_words(child, how))
        pause = pauses[child.ends - 1]
        child.due = now + pause
        say(f"The {child.program.name} has stopped ({how}). It starts again in {pause:g} s.")


def start(child: Child) -> None:
    """Start the program in a process group of its own, so that Ctrl-C reaches us first."""
    program = child.program
    output = program.log.open("wb") if program.log else None
    child.began = time.monotonic()
    child.process = subprocess.Popen(  # noqa: S603 - our own command
        program.command,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        env=program.environment,
        pass_fds=program.sockets,
        process_group=0,
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - we have no threads when we fork
    )
    if output:
        output.close()
    assert child.process.stdin is not None
    with child.process.stdin as stdin, suppress(BrokenPipeError):
        stdin.write(program.reads.encode())


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return a preexec function: Linux then sends this signal when we die, even by SIGKILL."""
    parent = os.getpid()

    def ask_kernel() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, number)
            if os.getppid() != parent:  # we died before the kernel was asked
                os._exit(1)

    return ask_kernel


def stop(children: Sequence[Child], seconds: float) -> None:
    """Ask all of them to end, and after so many seconds end them with all that they started."""
    deadline = time.monotonic() + seconds
    for child in children:
        if child.process is not None:
            child.process.terminate()
    for child in children:
        if child.process is not None:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0, deadline - time.monotonic()))
            end(child)


def end(child: Child) -> None:
    """Leave nothing of the child: what it started is in its group, and may have outlived it."""
    assert child.process is not None
    # macOS answers PermissionError where all that is left of a group waits to be reaped.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait()
    child.process = None


def _last_words(child: Child, how: str) -> str:
    said = f"see {child.program.log}" if child.program.log else "what it said stands above"
    return f"The {child.program.name} has stopped {child.ends} times in a row ({how}); {said}."


def _words(status: int) -> str:
    """Return how a process ended, for a sentence."""
    return f"exit status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"
