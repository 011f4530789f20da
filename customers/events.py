"""What becomes of customers."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerEvent(DomainEvent):
    """Base of events about a customer."""

    SUBJECT = ("customer", "customer_id")

    customer_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCreated(CustomerEvent):
    """A new customer, with the aliases that it begins with."""

    name = "customer.created"
    title = "Customer created"

    customer_name: str
    ingest_aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRenamed(CustomerEvent):
    """It is called something else from now on."""

    name = "customer.renamed"
    title = "Customer renamed"

    customer_name: str
    previous_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAliasesChanged(CustomerEvent):
    """The whole set of ingest aliases, and the whole set before."""

    name = "customer.aliases_changed"
    title = "Ingest aliases changed"

    ingest_aliases: tuple[str, ...]
    previous_ingest_aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerConfigChanged(CustomerEvent):
    """Ids in other systems; None: cleared. `leave_stripe_invoices_in_draft` None: not said."""

    name = "customer.config_changed"
    title = "Configuration changed"

    salesforce_account_id: str | None
    leave_stripe_invoices_in_draft: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerArchived(CustomerEvent):
    """Archived for good: what is the customer's ends with it."""

    name = "customer.archived"
    title = "Customer archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerNamedScheduleUpdated(CustomerEvent):
    """A value of a named schedule from `starting_at` on; `value` is JSON text."""

    name = "customer.named_schedule_updated"
    title = "Customer's named schedule changed"

    schedule_name: str
    starting_at: datetime
    ending_before: datetime | None
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerPartyChanged(CustomerEvent):
    """Who it is on paper is known better: documents that are issued from now on say so. `changed`: fields."""

    name = "customer.party_changed"
    title = "Party details changed"

    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfigurationSet(CustomerEvent):
    """It is known at a billing provider, or at a system for revenue recognition."""

    name = "customer.provider_configuration_set"
    title = "Billing provider configured"

    configuration_id: UUID
    billing_provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfigurationArchived(CustomerEvent):
    """Such a configuration ended at once."""

    name = "customer.provider_configuration_archived"
    title = "Billing provider configuration ended"

    configuration_id: UUID
    billing_provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TestClockEvent(DomainEvent):
    """Base of events about a test clock; they happen at the machine's time."""

    __test__: ClassVar[bool] = False
    SUBJECT = ("testclock", "test_clock_id")

    test_clock_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class TestClockCreated(TestClockEvent):
    """A clock that stands at `clock_at`."""

    name = "test_clock.created"
    title = "Test clock set up"

    clock_name: str
    clock_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TestClockAdvanced(TestClockEvent):
    """It was told to go on to `target_at`."""

    name = "test_clock.advanced"
    title = "Test clock advanced"

    previous_at: datetime
    target_at: datetime
