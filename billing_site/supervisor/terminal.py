"""What the person at the terminal sees: our own sentences, and from the log files only what is worth a look."""

import re
import sys
from pathlib import Path
from typing import BinaryIO

COLOURS = {
    "postgres": 34,
    "valkey": 36,
    "web": 32,
    "worker": 35,
    "beat": 33,
    "demo-host": 90,
    "demo-traffic": 90,
    "tactus": 1,
}
WORTH_A_LOOK = re.compile(
    r"\b(warn(ing)?|error|critical|fatal|panic|traceback|\w+Error|\w+Exception)\b|^\d+:\w .* # ", re.IGNORECASE
)
# Said at every start, and of no use here.
NOISE = re.compile(
    r"superuser privileges|uid=\d+ euid=|overcommit|RuntimeWarning|SecurityWarning|platforms\.check_privileges"
    r"|the database system is (starting up|shutting down)|terminating connection due to administrator command"
    r"|level=info|\[info",
    re.IGNORECASE,
)


class Terminal:
    """Prints lines with a short coloured name in front."""

    def __init__(self) -> None:
        self.colour = sys.stdout.isatty()

    def say(self, text: str, name: str = "tactus") -> None:
        """Print one message, prefixed."""
        label = f"{name:>12}"
        if self.colour:
            label = f"\033[{COLOURS.get(name, 37)}m{label}\033[0m"
        for line in text.splitlines() or [""]:
            sys.stdout.write(f"{label} | {line}\n")
        sys.stdout.flush()

    def plain(self, text: str) -> None:
        """Print as it is."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


class LogTail:
    """Follows one log file from its present end, and yields the lines worth a look, tracebacks whole."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.position = path.stat().st_size if path.exists() else 0
        self.in_trouble = False

    def new_lines(self) -> list[str]:
        """Lines to show that appeared since the last call."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return []
        if size < self.position:
            self.position = 0
        if size == self.position:
            return []
        with self.path.open("rb") as file:
            file.seek(self.position)
            lines = self._whole_lines(file)
        return [line for line in lines if self._show(line)]

    def _whole_lines(self, file: BinaryIO) -> list[str]:
        chunk = file.read(256 * 1024)
        end = chunk.rfind(b"\n") + 1
        self.position += end
        return chunk[:end].decode(errors="replace").splitlines()

    def _show(self, line: str) -> bool:
        if NOISE.search(line):
            self.in_trouble = False
            return False
        if WORTH_A_LOOK.search(line):
            self.in_trouble = True
            return True
        # The indented lines that follow belong to it.
        self.in_trouble = self.in_trouble and line.startswith((" ", "\t"))
        return self.in_trouble
