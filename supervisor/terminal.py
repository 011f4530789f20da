"""What the person at the terminal sees: our own sentences, and from the log files only what is worth a look."""

import re
import sys
from pathlib import Path

COLOURS = {
    "postgres": 34,
    "valkey": 36,
    "web": 32,
    "worker": 35,
    "beat": 33,
    "roller": 36,
    "demo-host": 90,
    "demo-traffic": 90,
    "tactus": 1,
}
WORTH_A_LOOK = re.compile(
    r"\b(warn(ing)?|error|critical|fatal|panic|\w+Error|\w+Exception)\b|^\d+:\w .* # ", re.IGNORECASE
)
WIDTH = 240
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
    """Follows one log file from its present end, for the lines worth a look. Whole tracebacks stay in the file."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.position = path.stat().st_size if path.exists() else 0

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
            chunk = file.read(256 * 1024)
        end = chunk.rfind(b"\n") + 1
        self.position += end
        lines = chunk[:end].decode(errors="replace").splitlines()
        return [line[:WIDTH] for line in lines if worth_a_look(line)]


def worth_a_look(line: str) -> bool:
    """Whether a log line tells of trouble. Indented lines are the inside of a traceback."""
    return bool(WORTH_A_LOOK.search(line)) and not line.startswith((" ", "\t")) and not NOISE.search(line)
