"""Reservations by this clone and by another, in turn: `python -m bench side_by_side CLONE [--rounds 12] [--seconds 5]`.

Single runs of the same code differ by a fifth on a shared machine, so what a change cost is not seen by one run before
it and one after. Here each clone starts two of Tactus, with its own code and the interpreter of this one, in the order
here, there, there, here (what starts first is slower by up to a tenth); all stay up, and rounds of load go to one of
here and one of there, in a random order. Ratios are of each round's two. The other clone may be of any commit whose
`bench.reservations` has `Load` and `prepare`.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
SHOWN: Final = {
    "rate": "pairs/s",
    "p99": "ms, p99 of a request",
    "web": "us of web CPU a pair",
    "cpu": "us of CPU a pair",
}


def serve() -> None:
    """In a process of its own, with a clone's modules: a Tactus, and for each line of stdin a round of so many seconds.

    Writes a line when it is ready, and one of JSON for each round.
    """
    from urllib.parse import urlsplit  # noqa: PLC0415 - what follows is the clone's

    from bench.client import Target  # noqa: PLC0415
    from bench.ingest import start  # noqa: PLC0415
    from bench.measure import end_properly, sample, spent  # noqa: PLC0415
    from bench.reservations import WARM_UP, Load, prepare, quantile  # noqa: PLC0415

    end_properly()
    with start() as tactus:
        customers = prepare(tactus, 8)
        place = urlsplit(tactus.state["public_url"])
        target = Target(place.hostname or "", place.port or 0, tactus.credentials["api_key"])
        Load(target, customers, 40, "w").drive(WARM_UP)
        print("ready", flush=True)
        for number, line in enumerate(sys.stdin):
            Load(target, customers, 40, f"w{number}").drive(0.4)  # it may have slept for a while
            before = sample(tactus)
            run = Load(target, customers, 40, f"p{number}").drive(float(line))
            cpu = {part: value / len(run.pairs) * 1e6 for part, value in spent(before, sample(tactus)).items()}
            figures = {
                "rate": len(run.pairs) / run.seconds, "p99": quantile(run.times, 0.99),
                "web": cpu["web"], "cpu": sum(cpu.values()),
            }  # fmt: skip
            print(json.dumps(figures), flush=True)


@contextmanager
def serving(clone: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that serves `clone`, ready."""
    with subprocess.Popen(
        [sys.executable, "-P", __file__, "--serve"],
        cwd=clone,
        env=os.environ | {"PYTHONPATH": str(clone)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            while (line := process.stdout.readline()) != "ready\n":
                if not line:
                    raise RuntimeError(f"{clone}: its bench ended early")
            yield process
        finally:
            process.stdin.close()  # then it stops what it started
            process.wait(60)


def ask(process: "subprocess.Popen[str]", seconds: float) -> dict[str, float]:
    """The figures of one round."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{seconds}\n")
    process.stdin.flush()
    figures: dict[str, float] = json.loads(process.stdout.readline())
    return figures


def describe(name: str, here: Sequence[float], there: Sequence[float]) -> str:
    """Both medians, and the ratio of each round's two: its median, and where the middle half of them lies."""
    ratios = sorted(mine / its for mine, its in zip(here, there, strict=True))
    low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
    return (
        f"  {statistics.median(here):8,.1f} here, {statistics.median(there):8,.1f} there {SHOWN[name]}:"
        f" {statistics.median(ratios):.3f} ({low:.3f} to {high:.3f})"
    )


def main() -> None:
    """Both, in turn."""
    parser = argparse.ArgumentParser(prog="python -m bench side_by_side", description=__doc__)
    parser.add_argument("clone", type=Path, help="folder of the other clone")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    rounds: list[list[dict[str, Any]]] = []
    with ExitStack() as stack:
        there = options.clone.resolve()
        served = [stack.enter_context(serving(clone)) for clone in (ROOT, there, there, ROOT)]
        for number in range(options.rounds):
            here_and_there = (0, 1) if number % 2 else (3, 2)
            found = {which: ask(served[which], options.seconds) for which in random.sample(here_and_there, 2)}
            rounds.append([found[which] for which in here_and_there])
    print(f"reservations, {options.rounds} rounds of {options.seconds:g} s each:")
    for name in SHOWN:
        print(describe(name, [here[name] for here, _ in rounds], [there[name] for _, there in rounds]))


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["--serve"] else main()
