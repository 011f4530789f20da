"""The foreground supervisor: one loop, no threads.

Order: lock, servers, migrations and demo data, programs, then watch. A child that dies is started again; a stop signal
stops the programs first, the servers last. Children write to log files of their own, so they never depend on this
process to read.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from supervisor.banner import banner
from supervisor.children import Child, spawn
from supervisor.files import OwnerLock, read_json, write_private
from supervisor.place import ROOT, Place, find_place
from supervisor.ports import choose_port
from supervisor.postgres import Postgres
from supervisor.programs import Site, background_programs, demo_page, web_server
from supervisor.session import var_dir
from supervisor.terminal import LogTail, Terminal
from supervisor.valkey import Valkey

TICK_SECONDS = 0.1


class Stopped(Exception):  # noqa: N818  # not an error: somebody asked
    """A stop signal arrived while something was starting."""


class Supervisor:
    """Owns every process of one installation."""

    def __init__(self) -> None:
        self.started_at = time.monotonic()
        self.terminal = Terminal()
        self.place: Place = find_place(var_dir())
        self.lock = OwnerLock(self.place.lock_file)
        self.servers: list[Child] = []
        self.programs: list[Child] = []
        self.tails: list[LogTail] = []
        self.signals = 0
        self.watchdog: subprocess.Popen[str] | None = None
        self.state: dict[str, object] = {}

    def run(self) -> int:
        """Start, watch, stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self._take_lock()
            self._start()
            while not self.signals:
                self._tick()
                time.sleep(TICK_SECONDS)
        except Stopped:
            self.terminal.say("stopped while starting")
        except RuntimeError as error:
            self.terminal.say(f"cannot start: {error}")
            return 1
        finally:
            self._stop()
        return 0

    # --- start --------------------------------------------------------------------------------------------------------

    def _take_lock(self) -> None:
        deadline = time.monotonic() + 60
        told = False
        while not self.lock.take():
            state = read_json(self.place.state_file)
            if state.get("owner") == "supervisor" and state.get("pid") == self.lock.owner():
                raise RuntimeError(f"already running at {state.get('public_url')} (pid {state['pid']}).")
            if not told:
                self.terminal.say("waiting for a manage.py command that uses the embedded servers to finish")
                told = True
            if time.monotonic() > deadline:
                raise RuntimeError("another command has been using the embedded servers for a minute.")
            self._check_stop()
            time.sleep(0.1)
        self.place.state_file.unlink(missing_ok=True)

    def _start(self) -> None:
        host = os.environ.get("HOST") or "127.0.0.1"
        port = choose_port("PORT", 8000, host, set())
        demo_port = choose_port("DEMO_PORT", port + 1, host, {port})
        env = self._environment(host, port, demo_port)
        self._keep_watchdog()
        self._start_servers(env)
        commands = self._prepare(env)
        credentials = read_json(self.place.var / "credentials.json")
        site = Site(env, self.place.log, host, port, demo_port, credentials["api_key"])
        self._start_programs(site, commands)
        self._write_state(ready=True)
        seconds = time.monotonic() - self.started_at
        self.terminal.plain(banner(self.state, credentials, self.place, seconds))

    def _start_programs(self, site: Site, commands: list[str]) -> None:
        """First what people look at, then what works behind it: at once they would only slow each other down.

        Tactus runs without the demo's page, if need be; worker and beat are watched like everything else from here on.
        """
        web, page = web_server(site), demo_page(site, commands)
        self._launch(web)
        if page:
            self._launch(page)
        web.wait_ready(60, self._still_wanted)
        if page:
            try:
                page.wait_ready(20, self._still_wanted)
            except RuntimeError as error:
                self.terminal.say(str(error), page.name)
        for child in background_programs(site, commands):
            self._launch(child)

    def _environment(self, host: str, port: int, demo_port: int) -> dict[str, str]:
        """What every program gets. The demo page has another host name than ours: to browsers, a stranger."""
        local = host in {"127.0.0.1", "0.0.0.0", "::", ""}  # noqa: S104  # compared with, not bound to
        env = dict(os.environ)
        # Half a dozen processes import the same modules: compiling them once halves the start.
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        env.setdefault("DJANGO_SETTINGS_MODULE", "billing_site.settings.dev")
        env.setdefault("TACTUS_PUBLIC_URL", f"http://{'127.0.0.1' if local else host}:{port}")
        env.setdefault("TACTUS_DEMO_HOST_URL", f"http://localhost:{demo_port}")
        env |= {"TACTUS_VAR": str(self.place.var), "PYTHONUNBUFFERED": "1"}
        self.state |= {
            "public_url": env["TACTUS_PUBLIC_URL"],
            "demo_host_url": env["TACTUS_DEMO_HOST_URL"],
            "port": port,
        }
        return env

    def _start_servers(self, env: dict[str, str]) -> None:
        postgres = None if env.get("DATABASE_URL") else Postgres(self.place, durable=True)
        valkey = None if env.get("REDIS_URL") else Valkey(self.place)
        self.servers = [server.child() for server in (valkey, postgres) if server]
        for child in self.servers:
            if child.name == "postgres" and not (self.place.home / "postgres-18").exists():
                self.terminal.say("creating the embedded PostgreSQL")
            self._launch(child)
        for child in self.servers:
            child.wait_ready(60, self._still_wanted)
        if postgres:
            postgres.ensure_database()
            env["DATABASE_URL"] = postgres.url
            env.pop("DATABASE_DIRECT_URL", None)  # of another server
        if valkey:
            env["REDIS_URL"] = valkey.url
        self.state |= {"database_url": env["DATABASE_URL"], "redis_url": env["REDIS_URL"]}
        self._write_state(ready=False)

    def _prepare(self, env: dict[str, str]) -> list[str]:
        """Migrate, load demo data, make logins and key, in a child of its own. Returns the names of all commands."""
        log = self.place.log / "prepare.log"
        log.unlink(missing_ok=True)
        command = [sys.executable, "-m", "supervisor.prepare", str(self.place.var)]
        process = spawn(command, log=log, env=env, death_signal=signal.SIGTERM, cwd=ROOT)
        shown = 0
        try:
            while process.poll() is None:
                self._check_stop()
                shown = self._show_progress(log, shown)
                time.sleep(0.05)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        lines = log.read_text(errors="replace").strip().splitlines()
        if process.returncode != 0:
            raise RuntimeError(f"the database could not be prepared: see {log}")
        return list(json.loads(lines[-1])["commands"])

    def _show_progress(self, log: Path, shown: int) -> int:
        lines = log.read_text(errors="replace").splitlines()
        for line in lines[shown:]:
            if not line.startswith("{"):
                self.terminal.say(line, "prepare")
        return len(lines)

    def _launch(self, child: Child) -> None:
        child.on_change = self._note
        if child not in self.servers:
            self.programs.append(child)
        self.tails.append(LogTail(child.name, child.log))
        child.start()

    def _still_wanted(self) -> bool:
        self._check_stop()
        return True

    def _check_stop(self) -> None:
        if self.signals:
            raise Stopped

    # --- watch --------------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        for child in (*self.servers, *self.programs):
            if news := child.tick():
                self.terminal.say(news, child.name)
        for tail in self.tails:
            for line in tail.new_lines():
                self.terminal.say(line, tail.name)
        self._keep_watchdog()

    def _keep_watchdog(self) -> None:
        if self.watchdog is not None and self.watchdog.poll() is None:
            return
        command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("watchdog.py"))]
        self.watchdog = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, bufsize=1, start_new_session=True)
        for child in (*self.servers, *self.programs):
            self._tell_watchdog(child)

    def _note(self, child: Child) -> None:
        """A child started or ended: the watchdog and the state file must know."""
        self._tell_watchdog(child)
        if "database_url" in self.state:
            self._write_state(ready=bool(self.state.get("ready")))

    def _tell_watchdog(self, child: Child) -> None:
        line = f"{child.name} {int(child.stop_signal)} {child.pid}\n" if child.pid else f"{child.name} - -\n"
        try:
            if self.watchdog and self.watchdog.stdin:
                self.watchdog.stdin.write(line)
        except OSError:
            # It was killed; the next tick starts another and tells it everything.
            return

    def _write_state(self, *, ready: bool) -> None:
        pids = {child.name: child.pid for child in (*self.servers, *self.programs) if child.pid}
        self.state |= {"owner": "supervisor", "pid": os.getpid(), "ready": ready, "children": pids}
        write_private(self.place.state_file, json.dumps(self.state, indent=1))

    # --- stop ---------------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        if not self.servers and not self.programs:
            self._dismiss_watchdog()
            return
        self.terminal.say("stopping")
        for group in (list(reversed(self.programs)), self.servers):
            for child in group:
                child.ask_to_stop()
            for child in group:
                child.stop()
        self.place.state_file.unlink(missing_ok=True)
        self._dismiss_watchdog()
        self.terminal.say("stopped; the data is kept")

    def _dismiss_watchdog(self) -> None:
        if self.watchdog and self.watchdog.stdin:
            self.watchdog.stdin.close()
            self.watchdog.wait()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.signals += 1
        if self.signals > 1:
            for child in self.programs:
                if child.process and child.pid:
                    child.process.kill()
