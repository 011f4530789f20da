"""The figures of docs/performance.md:
`python -m bench ingest|grow|reservations|side_by_side|reads|balances|age|heavy|renewals|deals`, and
`rating|group_commit|pipeline|all`.
"""

import argparse
import sys

from bench import grow, ingest, reservations
from bench.measure import end_properly, run_module

PASSED_ON = ("reads", "balances", "age", "heavy", "renewals", "deals", "group_commit", "pipeline", "side_by_side")
"""They read their own options."""


def main() -> int:
    """One bench, or a short run of each."""
    end_properly()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parts = parser.add_subparsers(dest="what", required=True)
    ingest.add_options(parts.add_parser("ingest", help="events a second over HTTP", description=ingest.__doc__))
    grow.add_options(parts.add_parser("grow", help="the rate as the store fills up", description=grow.__doc__))
    holds = parts.add_parser("reservations", help="reserve + commit pairs a second", description=reservations.__doc__)
    reservations.add_options(holds)
    parts.add_parser("reads", help="usage and drafts (options: python -m bench.reads --help)", add_help=False)
    parts.add_parser("balances", help="net balance (options: python -m bench.balances --help)", add_help=False)
    parts.add_parser("age", help="old contracts, big accounts (options: python -m bench.age --help)", add_help=False)
    parts.add_parser("heavy", help="large writes beside reads (own options)", add_help=False)
    parts.add_parser("renewals", help="contracts that are due at one instant (own options)", add_help=False)
    parts.add_parser("deals", help="contracts made and read (options: python -m bench.deals --help)", add_help=False)
    parts.add_parser("group_commit", help="its parts beside others (own options)", add_help=False)
    parts.add_parser("pipeline", help="psycopg's pipeline beside libpq by hand (own options)", add_help=False)
    parts.add_parser("side_by_side", help="reservations by this clone and by another (own options)", add_help=False)
    parts.add_parser("rating", help="one invoice of 2,000 and of 20,000 lines: the engine, then with its reads")
    parts.add_parser("all", help="a short run of everything")
    options, rest = parser.parse_known_args()
    if options.what not in PASSED_ON and rest:
        parser.error(f"unknown options: {' '.join(rest)}")
    if options.what == "ingest":
        ingest.main(options)
    elif options.what == "grow":
        grow.main(options)
    elif options.what == "reservations":
        reservations.main(options)
    elif options.what in PASSED_ON:
        return run_module(f"bench.{options.what}", *rest)
    elif options.what == "rating":
        return rate()
    else:
        ingest.main(parser.parse_args(["ingest", "--seconds", "20"]))
        reservations.main(parser.parse_args(["reservations", "--seconds", "10"]))
        return run_module("bench.reads", "--sizes", "10000,300000", "--times", "100") or rate()
    return 0


def rate() -> int:
    """The engine alone, then whole invoices."""
    return run_module("bench.rating") or run_module("bench.invoice")


if __name__ == "__main__":
    sys.exit(main())
