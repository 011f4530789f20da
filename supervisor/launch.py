"""Becomes another program: `python -I -S launch.py PARENT_PID DEATH_SIGNAL UID GID COMMAND…` (UID and GID may be `-`).

Runs between fork and exec in a process of its own, because code in a forked copy of a running Python is not safe.
The kernel sends DEATH_SIGNAL to the program when its parent dies (Linux; elsewhere only the watchdog cares for that).
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Drop privileges, tie this process to its parent, exec. Never returns."""
    parent, death_signal, uid, gid, *command = sys.argv[1:]
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
        os.umask(0o077)
    if sys.platform == "linux":
        # After setuid, which clears it.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(1)
    # Ctrl-C is for the supervisor, which stops its children in order; a child inherits an ignored SIGINT from a
    # background shell.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
