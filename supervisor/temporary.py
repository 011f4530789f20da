"""A whole Tactus for the length of one block: own folder, own ports, own servers, nothing left afterwards.

`python -m supervisor.temporary COMMAND…` runs COMMAND against one, with METRONOME_BASE_URL,
METRONOME_BEARER_TOKEN and TACTUS_MANAGE (a command line that runs manage.py) in its environment, and returns its
status. Tests use `Temporary` directly.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from supervisor.files import read_json
from supervisor.place import ROOT, find_place

START_SECONDS = 120.0
SERVERS = {"DATABASE_URL", "DATABASE_DIRECT_URL", "REDIS_URL"}


class Temporary:
    """A supervisor in a folder of its own. `var` may be given to start it again with the data it had."""

    def __init__(self, var: Path | None = None, **environment: str) -> None:
        self.keep = var is not None
        self.var = var or Path(tempfile.mkdtemp(prefix="tactus-temporary-"))
        self.var.chmod(0o711)
        self.environment = environment
        self.output = self.var / "supervisor.log"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def env(self) -> dict[str, str]:
        """Environment of the supervisor, and of commands that are to find this installation."""
        own = {name: value for name, value in os.environ.items() if name not in SERVERS}
        own.pop("DJANGO_SETTINGS_MODULE", None)
        return own | {"TACTUS_VAR": str(self.var), "PORT": "0", "DEMO_PORT": "0"} | self.environment

    @property
    def state(self) -> dict[str, Any]:
        """The supervisor's state file: public_url, database_url, redis_url, children (name -> pid), ready."""
        return read_json(self.var / "run" / "servers.json")

    @property
    def credentials(self) -> dict[str, Any]:
        """The API key ("api_key") and the staff logins ("logins": name -> password)."""
        return read_json(self.var / "credentials.json")

    @property
    def manage(self) -> list[str]:
        """Command line of manage.py on this installation."""
        return ["env", f"TACTUS_VAR={self.var}", sys.executable, str(ROOT / "manage.py")]

    def start(self) -> float:
        """Start, wait until ready, return the seconds that took. Raises RuntimeError with the output on failure."""
        started = time.monotonic()
        command = [sys.executable, "-m", "supervisor"]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        while not (self.state.get("ready") and self.state.get("pid") == self.process.pid):
            if self.process.poll() is not None or time.monotonic() - started > START_SECONDS:
                raise RuntimeError(
                    f"the temporary Tactus did not start:\n{self.output.read_text(errors='replace')[-4000:]}"
                )
            time.sleep(0.05)
        return time.monotonic() - started

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Signal the supervisor and wait until it is gone. Its children are its own business."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)

    def close(self) -> None:
        """Stop, and delete the data unless the folder was given."""
        self.stop()
        if not self.keep:
            find_place(self.var).remove()
            shutil.rmtree(self.var, ignore_errors=True)


def main() -> int:
    """Run the command line against a temporary installation."""
    with Temporary() as tactus:
        env = os.environ | {
            "METRONOME_BASE_URL": tactus.state["public_url"],
            "METRONOME_BEARER_TOKEN": tactus.credentials.get("api_key", ""),
            "TACTUS_MANAGE": shlex.join(tactus.manage),
            "TACTUS_STATE": json.dumps(tactus.state),
        }
        return subprocess.run(sys.argv[1:], env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
