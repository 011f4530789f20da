"""Drawing balances: each charge is paid by the balances that may, in their order, and the rest is due.

Rules and tables: docs/algorithms/balances.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.balances import AccessType, BalanceSegment, Drawdown, drawdown_order
from engine.charges import Charge
from engine.money import ZERO, add, divide, mul, subtract
from engine.overrides import Decision
from engine.prices import Price, Step, position_after, walk
from engine.specifiers import GroupValue, Subject
from engine.usage import group_order


@dataclass(slots=True, eq=False)
class Entry:
    """A step of a charge between two positions: what it costs, by which decision, and who pays (None: the customer)."""

    step: Step
    decision: Decision
    payer: BalanceSegment | None
    start: Decimal
    end: Decimal


@dataclass(slots=True, eq=False)
class Applied:
    """What a balance paid of a charge: `amount` in money, `quantity` in units; `before` is what it held before."""

    payer: BalanceSegment
    amount: Decimal
    quantity: Decimal
    before: Decimal


Settled = list[Entry | Applied]


@dataclass(slots=True, eq=False)
class DrawdownAccount:
    """A segment while an invoice draws on it."""

    segment: BalanceSegment
    left: Decimal
    drawn: Decimal = ZERO

    def take(self, steps: Sequence[Step]) -> tuple[list[Step], list[Step]]:
        """Pays for the steps in order while anything is left: (what is settled, what is not).

        Free steps are settled in passing and draw nothing. A step that is split keeps its total exactly.
        """
        for index, step in enumerate(steps):
            if self.left <= 0:
                return list(steps[:index]), list(steps[index:])
            if step.total <= 0:
                continue
            wanted = step.total if self.segment.access_type is AccessType.SPEND else step.quantity
            if wanted <= self.left:
                self._draw(wanted)
                continue
            head, tail = self._cut(step)
            self._draw(self.left)
            return [*steps[:index], head], [tail, *steps[index + 1 :]]
        return list(steps), []

    def _cut(self, step: Step) -> tuple[Step, Step]:
        if self.segment.access_type is AccessType.SPEND:
            quantity, amount = divide(self.left, step.unit_price), self.left
        else:
            quantity, amount = self.left, mul(self.left, step.unit_price)
        return (
            Step(quantity, step.unit_price, amount, step.tier),
            Step(subtract(step.quantity, quantity), step.unit_price, subtract(step.total, amount), step.tier),
        )

    def _draw(self, amount: Decimal) -> None:
        self.left = subtract(self.left, amount)
        self.drawn = add(self.drawn, amount)


@dataclass(slots=True)
class _Payers:
    """The accounts that may pay a product, each with its place in the order: for everybody, and for one seat each."""

    general: list[tuple[int, DrawdownAccount]]
    by_seat: dict[GroupValue, list[tuple[int, DrawdownAccount]]]

    def of(self, subject: Subject) -> list[DrawdownAccount]:
        """Those that may be meant for the subject, in order."""
        if not self.by_seat:
            return [account for _, account in self.general]
        found = list(self.general)
        for value in subject.pricing | subject.presentation:
            found += self.by_seat.get(value, ())
        return [account for _, account in sorted(found, key=lambda entry: entry[0])]


class DrawdownAccounts:
    """All balances that an invoice may draw, in their order."""

    def __init__(self, segments: Iterable[BalanceSegment], products: Mapping[str, frozenset[str]]) -> None:
        self._all = [
            DrawdownAccount(segment, max(segment.available, ZERO)) for segment in drawdown_order(segments, products)
        ]
        self._by_product: dict[tuple[str, str], _Payers] = {}

    def __bool__(self) -> bool:
        return bool(self._all)

    def candidates(self, charge: Charge) -> Iterator[DrawdownAccount]:
        """The accounts that may pay the charge and are not empty when their turn comes, in order."""
        subject, instant = charge.subject, charge.instant
        key = subject.product_id, charge.version.credit_type_id
        known = self._by_product.get(key)
        if known is None:
            known = self._by_product[key] = self._payers(subject, key[1])
        for account in known.of(subject):
            segment = account.segment
            if (
                account.left > 0
                and segment.starting_at <= instant
                and (segment.ending_before is None or instant < segment.ending_before)
                and (not segment.names_groups or segment.pays(subject))
            ):
                yield account

    def _payers(self, subject: Subject, unit: str) -> _Payers:
        found = _Payers([], {})
        for place, account in enumerate(self._all):
            segment = account.segment
            if segment.unit == unit and segment.may_pay(subject.product_id, subject.tags):
                if segment.seat is None:
                    found.general.append((place, account))
                else:
                    found.by_seat.setdefault(segment.seat, []).append((place, account))
        return found

    def drawdowns(self) -> tuple[Drawdown, ...]:
        """What was drawn from each segment, in the order of drawing."""
        return tuple(
            Drawdown(account.segment.balance_id, account.segment.segment_id, account.drawn)
            for account in self._all
            if account.drawn
        )


def payment_order(charge: Charge) -> tuple[object, ...]:
    """Usage, subscription, composite; earlier start; higher unit price; name; then a fixed order."""
    steps = walk(charge.decision.price, charge.position, add(charge.position, charge.quantity), charge.reached)
    dearest = max(step.unit_price for step in steps)
    groups = tuple(value for _, value in (*charge.pricing, *charge.presentation))
    subject = charge.subject
    return (
        charge.rank, charge.window.start, dearest.copy_negate(), charge.name, subject.product_id, group_order(groups),
        charge.window.end, charge.position,
    )  # fmt: skip


def settle(charge: Charge, accounts: DrawdownAccounts) -> Settled:
    """The charge's steps, with who pays each: covered ones at the price that holds while their balance pays.

    The position in tiers is carried from payer to payer. Negative quantities are never paid: there is no look-ahead.
    """
    own = charge.decision
    run = _Run(charge, charge.position, add(charge.position, charge.quantity), [])
    price: Price = own.price
    steps: list[Step] | None = None
    if charge.quantity > 0 and accounts:
        for account in accounts.candidates(charge):
            decision = charge.decide(account.segment)
            if steps is None or decision.price != price:
                price = decision.price
                steps = walk(price, run.at, run.end, charge.reached)
            steps = run.pay(account, decision, steps)
            if not steps:
                return run.result
    if steps is None or price != own.price:
        steps = walk(own.price, run.at, run.end, charge.reached)
    run.append(steps, own, None, last=True)
    return run.result


@dataclass(slots=True, eq=False)
class _Run:
    """A charge while it is settled: the position reached, its end, and what was made so far."""

    charge: Charge
    at: Decimal
    end: Decimal
    result: Settled

    def pay(self, account: DrawdownAccount, decision: Decision, steps: list[Step]) -> list[Step]:
        """Lets one account pay what it can; the steps that are left."""
        before = account.left
        settled, rest = account.take(steps)
        self.append(settled, decision, account.segment, last=not rest)
        paid = [step for step in settled if step.total > 0]
        if paid:
            amount, quantity = ZERO, ZERO
            for step in paid:
                amount, quantity = add(amount, step.total), add(quantity, step.quantity)
            self.result.append(Applied(account.segment, amount, quantity, before))
        return rest

    def append(self, steps: Sequence[Step], decision: Decision, payer: BalanceSegment | None, *, last: bool) -> None:
        """Adds the steps with their positions; with `last` they reach the end."""
        final = len(steps) - 1
        for index, step in enumerate(steps):
            if self.result and not step.quantity:
                continue
            until = self.end
            if not last or index < final:
                until = position_after(decision.price, self.at, self.end, step.quantity)
            self.result.append(Entry(step, decision, payer if step.total > 0 else None, self.at, until))
            self.at = until
