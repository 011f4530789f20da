"""Where the embedded servers live and as whom they run.

PostgreSQL refuses to run as root, so root hands the servers to an unprivileged account. That account must be able to
walk to the binaries and to the data; where it is not (a working copy below a home directory of mode 0700), both move to
a folder of their own.
"""

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SYSTEM_HOME = Path("/var/lib/tactus")
# sun_path holds 108 bytes; PostgreSQL and Valkey append a file name to the folder.
MAX_SOCKET_DIR = 80


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged account of the servers."""

    uid: int
    gid: int
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """Paths of one embedded installation. `account` is None where the servers run as the caller."""

    var: Path
    home: Path
    sockets: Path
    account: Account | None

    @property
    def run(self) -> Path:
        """Lock and state files, for the caller only."""
        return self.var / "run"

    @property
    def log(self) -> Path:
        """Log files of all children."""
        return self.var / "log"

    @property
    def lock_file(self) -> Path:
        """Held (flock) by the one process that owns the servers."""
        return self.run / "owner.lock"

    @property
    def state_file(self) -> Path:
        """JSON: owner, pid, database_url, redis_url. Mode 0600, because the URLs hold passwords."""
        return self.run / "servers.json"

    @property
    def keeper_socket(self) -> Path:
        """Where a keeper takes its clients."""
        return self.sockets / "keeper.sock"

    def programs(self, base: Path, *parts: str) -> Path:
        """`base`, or a folder with copies of its `parts` where the servers' account cannot reach the original.

        Programs find their libraries by relative path, so parts keep their places below the folder.
        """
        present = [part for part in parts if (base / part).exists()]
        if self.account is None or all(reachable(base / part, self.account) for part in present):
            return base
        stamps = ":".join(f"{base / part}:{(base / part).stat().st_mtime_ns}" for part in present)
        name = Path(present[0]).name
        copy = self.home / f"{name}-{hashlib.sha256(stamps.encode()).hexdigest()[:12]}"
        if not copy.exists():
            for older in self.home.glob(f"{name}-*"):
                shutil.rmtree(older, ignore_errors=True)
            scratch = Path(tempfile.mkdtemp(dir=self.home))
            for part in present:
                shutil.copytree(base / part, scratch / part, symlinks=True)
            give(scratch, self.account)
            scratch.rename(copy)
        return copy

    def remove(self) -> None:
        """Delete everything, wherever it lies."""
        for path in (self.home, self.sockets, self.var):
            shutil.rmtree(path, ignore_errors=True)


def find_place(var: Path) -> Place:
    """Decide on and create the folders for the installation whose files are under `var`."""
    var = var.resolve()
    var.mkdir(parents=True, exist_ok=True)
    for folder in (var / "run", var / "log"):
        folder.mkdir(mode=0o700, exist_ok=True)
    account = service_account() if os.geteuid() == 0 else None
    digest = hashlib.sha256(str(var).encode()).hexdigest()[:12]
    home = var / "servers" if account is None or reachable(var, account) else SYSTEM_HOME / digest
    make_private(home, account)
    sockets = home / "sockets"
    if len(os.fsencode(sockets)) > MAX_SOCKET_DIR:
        sockets = Path(f"/tmp/tactus-{os.geteuid()}-{digest}")  # noqa: S108  # short and fixed by need; make_private refuses another owner's
    make_private(sockets, account)
    return Place(var=var, home=home, sockets=sockets, account=account)


def service_account() -> Account:
    """The account that root hands the servers to: TACTUS_SERVICE_USER, else `nobody`, else the first ordinary one."""
    wanted = os.environ.get("TACTUS_SERVICE_USER")
    for name in [wanted] if wanted else ["nobody", "daemon", "postgres"]:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid, name)
    raise SystemExit(
        "PostgreSQL does not run as root and no unprivileged account was found: set TACTUS_SERVICE_USER to one."
    )


def reachable(path: Path, account: Account) -> bool:
    """Whether `account` may walk to `path` and, if it is a folder, enter and read it."""
    chain = [path, *path.parents] if path.is_dir() else list(path.parents)
    return all(_may_enter(folder.stat(), account) for folder in chain)


def _may_enter(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def make_private(folder: Path, account: Account | None) -> None:
    """Create `folder`, mode 0700, owned by `account` (or the caller); refuse one that belongs to somebody else."""
    folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        status = folder.lstat()
        owners = {os.geteuid()} | ({account.uid} if account else set())
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in owners:
            raise SystemExit(f"{folder} belongs to somebody else; remove it or move the working copy.") from None
    folder.chmod(0o700)
    if account:
        os.chown(folder, account.uid, account.gid)


def give(folder: Path, account: Account) -> None:
    """Hand `folder` and all below it to `account`."""
    os.chown(folder, account.uid, account.gid)
    for path in folder.rglob("*"):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
