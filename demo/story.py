"""The story of the demo, as plain data: Lumen AI sells its models to developers, by the token.

Prices are in the stored units of their currency: US cents, but whole euros. Token prices are per million.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

COMPANY = "Lumen AI"
LARGE, SMALL, EMBED = "lumen-large-3", "lumen-small-3", "lumen-embed-2"

COMPLETION, EMBEDDING, SEARCH = "llm.completion", "llm.embedding", "tool.web_search"
SESSION, CONCURRENCY, STORAGE, TRAINING = "session.started", "sessions.sampled", "storage.sampled", "training.finished"


@dataclass(frozen=True, slots=True)
class Metric:
    """A billable metric: `aggregation` of `counts` over events of one type (and of one model, where given)."""

    key: str
    name: str
    aggregation: str
    event_type: str
    counts: str | None = None
    model: str | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """A USAGE product on the metric of the same key. `divide_by` converts its quantity, `decimals` rounds it up."""

    key: str
    name: str
    pricing_key: tuple[str, ...] = ()
    presentation_key: tuple[str, ...] = ()
    divide_by: int | None = None
    unit: str = ""
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """A rate: flat `price` or graduated `tiers` of (size, price). `since` names an instant of the `Calendar`."""

    product: str
    price: str | None = None
    tiers: tuple[tuple[str | None, str], ...] = ()
    values: dict[str, str] = field(default_factory=dict)
    since: str = "start"


@dataclass(frozen=True, slots=True)
class Card:
    """A rate card in one currency, found by its alias."""

    alias: str
    name: str
    description: str
    currency: str
    prices: tuple[Price, ...]


@dataclass(frozen=True, slots=True)
class Habit:
    """What a customer uses on an average working day at the start of the story; `growth` per mille a week.

    `models` maps a model to its (input, output) tokens, `projects` and `regions` map names to weights, `users` is the
    number of end users it may see. `rhythm` names hours and weekdays (`habits.HOURS`, `habits.WEEK`).
    """

    rhythm: str
    events: int
    models: dict[str, tuple[int, int]]
    projects: dict[str, int]
    regions: dict[str, int]
    growth: int = 0
    searches: int = 0
    sessions: int = 0
    users: int = 0
    concurrent: int = 0
    gigabytes: int = 0
    training_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Agreement:
    """A contract. `starts` and `ends` name instants of the `Calendar`."""

    name: str
    card: str
    starts: str = "start"
    ends: str | None = None
    frequency: str = "MONTHLY"
    day: str = "FIRST_OF_MONTH"
    net_days: int = 30


@dataclass(frozen=True, slots=True)
class Grant:
    """A commit or credit of the customer's contract; `amount` and `price` (what is asked for it) in stored units.

    `kind`: PREPAID, POSTPAID, CREDIT, or MONTHLY for a credit that comes again each month. `given` names the instant at
    which a credit is granted later, to the customer. `pays` are keys of products, all of them if there are none.
    """

    key: str
    kind: str
    name: str
    amount: str
    starts: str = "start"
    ends: str | None = None
    price: str | None = None
    pays: tuple[str, ...] = ()
    priority: int = 100
    given: str | None = None


@dataclass(frozen=True, slots=True)
class Fee:
    """What a contract charges each month from `starts` on, or with `takes_off` takes off that invoice once; cents."""

    name: str
    amount: str
    starts: str = "start"
    takes_off: bool = False


@dataclass(frozen=True, slots=True)
class Paper:
    """Who a customer is on paper: legal name, address lines, city, postal code, country, tax id of a kind, e-mail."""

    legal_name: str
    lines: tuple[str, ...]
    city: str
    postal_code: str
    country: str
    tax_id: tuple[str, str]
    email: str
    po_number: str = ""


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer; its events come in under its aliases, the first one mostly. `archived` names an instant."""

    aliases: tuple[str, ...]
    name: str
    agreement: Agreement
    habit: Habit | None = None
    signed_up: str = "start"
    salesforce_id: str | None = None
    archived: str | None = None
    grants: tuple[Grant, ...] = ()
    fees: tuple[Fee, ...] = ()
    paper: Paper | None = None
    # its id at Stripe
    stripe_id: str = ""
    # custom fields: the seller's notes
    notes: tuple[tuple[str, str], ...] = ()


METRICS = (
    Metric("large-input", "Lumen Large input tokens", "SUM", COMPLETION, "input_tokens", LARGE, ("project", "region")),
    Metric(
        "large-output", "Lumen Large output tokens", "SUM", COMPLETION, "output_tokens", LARGE, ("region", "project")
    ),
    Metric("small-input", "Lumen Small input tokens", "SUM", COMPLETION, "input_tokens", SMALL, ("project", "region")),
    Metric(
        "small-output", "Lumen Small output tokens", "SUM", COMPLETION, "output_tokens", SMALL, ("project", "region")
    ),
    Metric("embed", "Embedded tokens", "SUM", EMBEDDING, "input_tokens", EMBED, ("project",)),
    Metric("searches", "Web searches", "COUNT", SEARCH, groups=("project",)),
    Metric("users", "Active end users", "UNIQUE", SESSION, "end_user"),
    Metric("concurrency", "Peak concurrent sessions", "MAX", CONCURRENCY, "sessions"),
    Metric("storage", "Vector storage in GB", "LATEST", STORAGE, "gigabytes"),
    Metric("training", "Fine-tuning GPU seconds", "SUM", TRAINING, "gpu_seconds", groups=("project",)),
)

MILLION = 1_000_000
PRODUCTS = (
    Product("large-input", "Lumen Large · input tokens", divide_by=MILLION, unit="million tokens"),
    Product("large-output", "Lumen Large · output tokens", ("region",), divide_by=MILLION, unit="million tokens"),
    Product("small-input", "Lumen Small · input tokens", (), ("project",), MILLION, "million tokens"),
    Product("small-output", "Lumen Small · output tokens", (), ("project",), MILLION, "million tokens"),
    Product("embed", "Lumen Embed · tokens", divide_by=MILLION, unit="million tokens"),
    Product("searches", "Web searches"),
    Product("users", "Active end users"),
    Product("concurrency", "Peak concurrent sessions"),
    Product("storage", "Vector storage · GB"),
    Product("training", "Fine-tuning · GPU hours", (), ("project",), 3600, "hours", 2),
)

CHARGES = {"prepaid": "Prepaid usage", "credit": "Usage credit", "support": "Premium support"}
"""FIXED products that commits, credits and fees hang on, by key."""
NOTES = ("account_manager", "crm_id")
"""Keys of custom fields of customers; no two have the same `crm_id`."""

CARDS = (
    Card(
        "lumen-standard", "Lumen Standard {year}", "List prices in US dollars, for everybody", "USD",
        (
            Price("large-input", tiers=(("1000", "300"), ("9000", "260"), (None, "220"))),
            Price("large-output", "1500", values={"region": "us"}),
            Price("large-output", "1650", values={"region": "eu"}),
            Price("large-output", "1350", values={"region": "us"}, since="price_cut"),
            Price("large-output", "1485", values={"region": "eu"}, since="price_cut"),
            Price("small-input", "25"),
            Price("small-output", "125"),
            Price("embed", tiers=(("100", "10"), ("900", "8"), (None, "5"))),
            Price("searches", tiers=(("500", "0"), ("5000", "1"), (None, "0.8"))),
            Price("users", tiers=(("50", "0"), (None, "4"))),
            Price("concurrency", "40"),
            Price("storage", "35"),
            Price("training", "440"),
            Price("training", "390", since="price_cut"),
        ),
    ),
    Card(
        "lumen-europe", "Lumen Europe {year}", "List prices in euros, processed in the EU only", "EUR",
        (
            Price("large-input", tiers=(("1000", "2.9"), (None, "2.5"))),
            Price("large-output", "15.5", values={"region": "eu"}),
            Price("small-input", "0.24"),
            Price("small-output", "1.2"),
            Price("embed", "0.09"),
            Price("storage", "0.33"),
        ),
    ),
)  # fmt: skip

CUSTOMERS = (
    Customer(
        ("meridian-bank",), "Meridian Bank", salesforce_id="0015g00000MRDN1AAX",
        agreement=Agreement(
            "Enterprise agreement", "lumen-standard", ends="next_year", frequency="QUARTERLY", net_days=45
        ),
        habit=Habit(
            "office-europe", 150, {LARGE: (220_000_000, 38_000_000), SMALL: (150_000_000, 20_000_000)},
            {"fraud-review": 5, "support-copilot": 3, "document-intake": 2}, {"eu": 3, "us": 1},
            growth=12, concurrent=160, gigabytes=820, training_seconds=26_000,
        ),
        grants=(
            Grant("meridian-minimum", "POSTPAID", "Enterprise minimum, first year", "40000000", ends="next_year"),
        ),
        paper=Paper(
            "Meridian Bank plc", ("25 Basinghall Street",), "London", "EC2V 5HA", "GB", ("gb_vat", "GB980780684"),
            "payables@meridian.example", "PO-2026-0417",
        ),
        notes=(("account_manager", "Priya Nair"), ("crm_id", "A-1001")),
    ),
    Customer(
        ("kestrel-robotics", "kestrel-staging"), "Kestrel Robotics", salesforce_id="0015g00000KSTR4AAH",
        agreement=Agreement("Scale plan", "lumen-standard"),
        habit=Habit(
            "office-america", 110,
            {LARGE: (9_000_000, 1_600_000), SMALL: (30_000_000, 7_400_000), EMBED: (12_000_000, 0)},
            {"fleet-assistant": 5, "simulation": 3, "docs-search": 2}, {"us": 1},
            growth=55, searches=28, sessions=18, users=300, concurrent=38, gigabytes=40, training_seconds=9_500,
        ),
        grants=(
            Grant(
                "kestrel-commit", "PREPAID", "Lumen Large commit", "1200000", ends="next_year", price="1080000",
                pays=("large-input", "large-output"), priority=10,
            ),
            Grant(
                "kestrel-training", "CREDIT", "Fine-tuning credit", "40000", starts="five_weeks_ago", ends="soon",
                pays=("training",), priority=20, given="five_weeks_ago",
            ),
        ),
        fees=(Fee("Premium support", "25000"), Fee("First month of support, half off", "12500", takes_off=True)),
        paper=Paper(
            "Kestrel Robotics, Inc.", ("1200 Harbor Way", "Suite 300"), "Oakland", "94607", "US",
            ("us_ein", "91-1144442"), "ap@kestrel.example", "KR-88",
        ),
        stripe_id="cus_Kestrel4AAH",
        notes=(("account_manager", "Grace Okafor"), ("crm_id", "A-1002")),
    ),
    Customer(
        ("nordlicht",), "Nordlicht Versicherung AG",
        agreement=Agreement("Rahmenvertrag EU", "lumen-europe", ends="soon"),
        habit=Habit(
            "office-europe", 70,
            {LARGE: (40_000_000, 7_000_000), SMALL: (22_000_000, 3_100_000), EMBED: (9_000_000, 0)},
            {"claims": 3, "policy-search": 2}, {"eu": 1}, growth=18, gigabytes=260,
        ),
        paper=Paper(
            "Nordlicht Versicherung AG", ("Unter den Linden 1",), "Berlin", "10117", "DE", ("eu_vat", "DE136695976"),
            "rechnung@nordlicht.example",
        ),
        notes=(("account_manager", "Tomas Lind"),),
    ),
    Customer(
        ("polygon-games",), "Polygon Games",
        agreement=Agreement("Weekly plan", "lumen-standard", frequency="WEEKLY", net_days=14),
        habit=Habit(
            "evening", 75, {SMALL: (110_000_000, 35_000_000)}, {"npc-dialogue": 4, "moderation": 1}, {"us": 3, "eu": 2},
            growth=25, sessions=45, users=700, concurrent=130,
        ),
        grants=(Grant("polygon-partner", "MONTHLY", "Partner credit", "10000"),),
    ),
    Customer(
        ("atlas-freight",), "Atlas Freight",
        agreement=Agreement("Growth plan", "lumen-standard", starts="thirty_first", day="CONTRACT_START"),
        habit=Habit(
            "always", 50, {SMALL: (60_000_000, 9_500_000), EMBED: (80_000_000, 0)},
            {"customs-forms": 2, "route-notes": 1}, {"us": 2, "eu": 1}, growth=8, gigabytes=300,
        ),
        signed_up="thirty_first",
        grants=(
            Grant(
                "atlas-welcome", "CREDIT", "Welcome credit for embeddings", "25000", starts="thirty_first",
                ends="tenth", pays=("embed",),
            ),
        ),
    ),
    Customer(
        ("nimbus-notes",), "Nimbus Notes",
        agreement=Agreement("Pay as you go", "lumen-standard", starts="tenth", net_days=0),
        habit=Habit(
            "evening", 20, {SMALL: (45_000, 13_000), EMBED: (1_500, 0)}, {"summaries": 12, "note-search": 1}, {"us": 1},
            growth=70, searches=3, sessions=5, users=40,
        ),
        signed_up="tenth",
    ),
    Customer(
        ("orbit-education",), "Orbit Education",
        agreement=Agreement("Pay as you go", "lumen-standard"),
        habit=Habit("office-america", 16, {SMALL: (4_000_000, 900_000)}, {"tutor": 1}, {"us": 1}, growth=-60),
        archived="five_weeks_ago",
    ),
    Customer(
        ("juniper-labs",), "Juniper Labs",
        agreement=Agreement("Pay as you go", "lumen-standard", starts="next_month"),
        signed_up="two_days_ago",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Late:
    """Usage that a customer sent late: two days of it, after their invoice was final, under its last alias."""

    alias: str = "kestrel-robotics"
    project: str = "simulation"
    reason: str = "Usage of two days was sent late by the customer"


LATE = Late()


class Calendar:
    """The story's instants (UTC) by name. It begins with the month three months before that of `now`."""

    def __init__(self, now: datetime) -> None:
        today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        start = today.replace(day=1)
        for _ in range(3):
            start = first_of_month(start - timedelta(days=1))
        last_month = first_of_month(today.replace(day=1) - timedelta(days=1))
        thirty_first = start - timedelta(days=1)
        while thirty_first.day != 31:
            thirty_first -= timedelta(days=1)
        late_month = next_month(start)
        self.now, self.today = now, today
        self.start = start
        self.instants = {
            "start": start,
            "thirty_first": thirty_first,
            "tenth": start + timedelta(days=9),
            "price_cut": last_month + timedelta(days=15),
            "five_weeks_ago": today - timedelta(days=35) + timedelta(hours=15),
            "two_days_ago": today - timedelta(days=2) + timedelta(hours=10),
            "soon": today + timedelta(days=12),
            "next_month": next_month(today),
            "next_year": start.replace(year=start.year + 1),
            # two days in the second month whose usage comes late, and when it comes
            "late_from": late_month + timedelta(days=19),
            "late_until": late_month + timedelta(days=21),
            "late_sent": next_month(late_month) + timedelta(days=4, hours=9),
        }

    def __getitem__(self, name: str) -> datetime:
        return self.instants[name]

    @property
    def first_day(self) -> datetime:
        """When the first usage happens."""
        return min(self.start, self["thirty_first"])


def first_of_month(instant: datetime) -> datetime:
    """Midnight of the first day of its month."""
    return instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(instant: datetime) -> datetime:
    """Midnight of the first day of the month after its own."""
    return first_of_month(first_of_month(instant) + timedelta(days=32))
