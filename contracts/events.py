"""What becomes of contracts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractEvent(DomainEvent):
    """Base of events about a contract."""

    SUBJECT = ("contract", "contract_id")

    contract_id: UUID
    customer_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractCreated(ContractEvent):
    """A new contract, with what it was agreed with."""

    name = "contract.created"
    title = "Contract created"

    rate_card_id: UUID | None
    starting_at: datetime
    ending_before: datetime | None
    override_ids: tuple[UUID, ...] = ()
    subscription_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatedSubscription:
    """A subscription that an edit changed. `end_changed`: its end was given, so that it may end earlier or later."""

    subscription_id: UUID
    end_changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractEdited(ContractEvent):
    """Several changes at once. `updated_subscriptions` stand in the order of the edit; an end moved by it comes with a
    `ContractEndChanged` of its own.
    """

    name = "contract.edited"
    title = "Contract edited"

    edit_id: UUID
    contract_name: str | None = None
    net_payment_terms_days: int | None = None
    added_override_ids: tuple[UUID, ...] = ()
    removed_override_ids: tuple[UUID, ...] = ()
    added_subscription_ids: tuple[UUID, ...] = ()
    updated_subscriptions: tuple[UpdatedSubscription, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractEndChanged(ContractEvent):
    """The end moved; None is open-ended. `strict`: a finalized invoice that ends later forbids it."""

    name = "contract.end_changed"
    title = "Contract's end changed"

    previous_ending_before: datetime | None
    ending_before: datetime | None
    strict: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRenewed(ContractEvent):
    """This contract goes on from another one. `waive_true_ups`: those of its postpaid commits are not billed.

    `rolls_over`: what is left of its balances goes on as agreed; not where it was superseded.
    """

    name = "contract.renewed"
    title = "Contract renewed"

    renewed_contract_id: UUID
    waive_true_ups: bool
    rolls_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractArchived(ContractEvent):
    """Ended for good. `void_invoices`: its finalized invoices become void with it."""

    name = "contract.archived"
    title = "Contract archived"

    void_invoices: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractNamedScheduleUpdated(ContractEvent):
    """A value of a named schedule from `starting_at` on; `value` is JSON text."""

    name = "contract.named_schedule_updated"
    title = "Contract's named schedule changed"

    schedule_name: str
    starting_at: datetime
    ending_before: datetime | None
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFilterSet(ContractEvent):
    """From `starting_at` on it bills only events whose property `group_key` is one of `group_values`."""

    name = "contract.usage_filter_set"
    title = "Usage filter set"

    group_key: str
    group_values: tuple[str, ...]
    starting_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRenewalSet(ContractEvent):
    """What is to happen at the end of its term was agreed (`state` ACTIVE) or taken back (WITHDRAWN)."""

    name = "contract.renewal_set"
    title = "Contract's renewal agreed"

    policy_kind: str
    state: str
    renews_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRenewalComing(ContractEvent):
    """Its term ends in `notice_days` days, at `renews_at`; `policy_kind` says what happens then."""

    name = "contract.renewal_coming"
    title = "Contract's renewal is coming"

    policy_kind: str
    renews_at: datetime
    notice_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRenewalDecided(ContractEvent):
    """Its term ended at `term_end`: what was decided, why, and the contract that goes on from it, if one does."""

    name = "contract.renewal_decided"
    title = "Contract's renewal decided"

    term_end: datetime
    outcome: str
    reason: str
    new_contract_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTrialChanged(ContractEvent):
    """Its trial, which goes on, ends at another time."""

    name = "contract.trial_changed"
    title = "Contract's trial extended or shortened"

    previous_ending_before: datetime
    ending_before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTrialEnded(ContractEvent):
    """Its trial was over at `ended_at`. `outcome`: CONVERTED (charged from then on), EXPIRED (the contract ended with
    it), HELD (until the customer can be charged), CANCELED (the contract had ended by then).
    """

    name = "contract.trial_ended"
    title = "Contract's trial ended"

    ended_at: datetime
    outcome: str
