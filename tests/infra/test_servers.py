"""The servers that commands and test sessions share while no supervisor runs."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.place import ROOT, find_place
from tests.infra.processes import eventually, none_left

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("infra")]

HOLD = """
import sys
from pathlib import Path
from supervisor.session import acquire
lease = acquire(Path(sys.argv[1]))
print(lease.database_url, flush=True)
sys.stdin.read()
lease.release()
print("released", flush=True)
"""


@pytest.fixture
def var() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tactus-infra-"))
    folder.chmod(0o711)
    yield folder
    find_place(folder).remove()
    shutil.rmtree(folder, ignore_errors=True)


def hold(var: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(var)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def first_line(holder: subprocess.Popen[str]) -> str:
    assert holder.stdout
    return holder.stdout.readline().strip()


def test_users_share_one_pair_of_servers_and_the_last_one_out_stops_them(var: Path) -> None:
    first, second = hold(var), hold(var)
    assert first_line(first) == first_line(second) != ""

    assert first.communicate("")[0] == "released\n"
    third = hold(var)
    assert first_line(third)
    assert second.communicate("")[0] == "released\n"
    assert third.communicate("")[0] == "released\n"
    eventually(none_left(var), 5)


def test_users_that_are_shot_leave_nothing_behind(var: Path) -> None:
    users = [hold(var), hold(var)]
    for user in users:
        assert first_line(user)
    for user in users:
        os.kill(user.pid, signal.SIGKILL)
        user.communicate()
    eventually(none_left(var))

    again = hold(var)
    assert first_line(again)
    assert again.communicate("")[0] == "released\n"


def test_servers_live_elsewhere_when_their_account_cannot_enter_the_folder(var: Path) -> None:
    closed = var / "closed"
    closed.mkdir(mode=0o700)
    place = find_place(closed / "var")
    assert (place.home == closed / "var" / "servers") is (os.geteuid() != 0)

    user = hold(closed / "var")
    assert first_line(user)
    assert user.communicate("")[0] == "released\n"
    eventually(none_left(closed / "var"), 5)
    place.remove()
    assert not place.home.exists()
