"""`make reset`: delete the data. Uses the standard library only, so it works without `.venv` too."""

import sys

from supervisor.files import OwnerLock
from supervisor.place import find_place
from supervisor.session import var_dir


def main() -> int:
    """Delete `var/` and whatever lies elsewhere on its behalf. Status 1, and nothing touched, while it is in use."""
    var = var_dir()
    if not var.exists():
        print("nothing to delete")
        return 0
    place = find_place(var)
    lock = OwnerLock(place.lock_file)
    if not lock.take():
        print(f"Tactus is running (pid {lock.owner()}): stop it first.", file=sys.stderr)
        return 1
    place.remove()
    print(f"deleted {place.var}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
