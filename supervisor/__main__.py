"""`python -m supervisor`: all of Tactus in the foreground, until Ctrl-C.

Environment: PORT (8000 or the next free one), DEMO_PORT (8001 or next), HOST (127.0.0.1), DATABASE_URL, REDIS_URL,
TACTUS_VAR, TACTUS_DEMO=0 for no demo data, WEB_WORKERS.
"""

import ctypes
import os
import signal
import sys

from supervisor.launch import PR_SET_PDEATHSIG
from supervisor.supervisor import Supervisor


def main() -> int:
    """Run until told to stop. Status 0 after an ordered shutdown, 1 where the start failed."""
    if os.environ.get("TACTUS_DIE_WITH_PARENT") and sys.platform == "linux":
        # `make` may be killed without passing the signal on.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    return Supervisor().run()


if __name__ == "__main__":
    sys.exit(main())
