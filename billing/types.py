"""What selectors of billing and invoices return: plain, frozen, complete; for templates, presenters and the PDF."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.explanation import Explanation
from engine.explanation_json import StoredExplanation, explanation_to_json
from engine.lines import APPLIED, fulfils_commit


@dataclass(frozen=True, slots=True)
class CurrencyView:
    """The unit of an invoice's amounts. What people read = stored amount / 10**minor_digits (USD: cents -> dollars)."""

    credit_type_id: UUID
    name: str
    code: str
    places: int
    minor_digits: int


@dataclass(frozen=True, slots=True)
class Party:
    """The seller or the buyer of a document, as far as known."""

    name: str
    address_lines: tuple[str, ...] = ()
    email: str = ""
    tax_ids: tuple[str, ...] = ()
    # under which the buyer ordered
    po_number: str = ""


@dataclass(frozen=True, slots=True)
class DocumentAmounts:
    """What a document comes to, in whole minor units of its currency (cents for USD and EUR)."""

    subtotal: Decimal
    tax: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class LineView:
    """One line, exact, in the invoice's stored unit. `id` is stable for drafts too: derived from what it is about."""

    id: UUID
    type: str
    product_id: UUID | None
    name: str
    quantity: Decimal | None
    unit_price: Decimal | None
    total: Decimal
    starting_at: datetime | None
    ending_before: datetime | None
    pricing_group_values: dict[str, str]
    presentation_group_values: dict[str, str | None]
    tier: dict[str, Any] | None
    # why it is what it is: as it was composed, or as it is stored; read it as `explanation`
    explained: Explanation | StoredExplanation
    # the unit of its amounts where that is not the invoice's: a custom pricing unit
    unit: CurrencyView | None = None
    # whether it is part of the invoice's subtotal: lines in a custom unit are not, their conversion is
    counted: bool = True
    product_type: str | None = "UsageProductListItem"
    # the balance that pays the line, or whose payment an applied line is; "" for none
    commit_id: UUID | None = None
    commit_segment_id: UUID | None = None
    commit_type: str = ""
    # units of a QUANTITY balance
    quantity_consumed: Decimal | None = None
    # the subscription that it charges for
    subscription_id: UUID | None = None
    # what it charges by date, or the discount that it takes off
    scheduled_charge_id: UUID | None = None
    discount_id: UUID | None = None
    # what its exact total is rounded to where its own schedule says so: one of several instalments
    whole_total: Decimal | None = None
    # a counted line's amount in whole minor units of the invoice's currency; None until the document view is made
    document_amount: Decimal | None = None

    @property
    def explanation(self) -> Explanation:
        """Why it is what it is; what was stored is read when it is first asked for."""
        return self.explained.explanation if isinstance(self.explained, StoredExplanation) else self.explained

    @property
    def stored_explanation(self) -> dict[str, Any]:
        """The same as an invoice stores it."""
        if isinstance(self.explained, StoredExplanation):
            return self.explained.json
        return explanation_to_json(self.explained)

    @property
    def is_charge(self) -> bool:
        """Whether it is part of what things cost, before balances pay."""
        return self.counted and self.type != APPLIED

    @property
    def is_information(self) -> bool:
        """Whether it only says what counts towards a postpaid commit: nothing is owed for it, nothing paid by it."""
        return fulfils_commit(self.type, self.commit_type)


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An invoice as it stands at `as_of`: a draft computed live, a final one as stored. Lines + rounding = total."""

    id: UUID
    customer_id: UUID
    # both, and the contract's name, as they were when it was issued; a draft's as they are now
    seller: Party
    buyer: Party
    contract_id: UUID
    contract_name: str
    type: str
    status: str
    number: str | None
    period_start: datetime
    period_end: datetime
    # when a draft is due to be finalized (period end + grace)
    due_at: datetime
    issued_at: datetime | None
    voided_at: datetime | None
    # the UTC day on which it was issued, and by which it is to be paid; None for drafts
    document_date: date | None
    due_date: date | None
    net_payment_terms_days: int
    currency: CurrencyView
    lines: tuple[LineView, ...]
    subtotal: Decimal
    rounding: Decimal
    total: Decimal
    # usage that has no rate in force, by product: shown, never silently dropped
    unrated: tuple[dict[str, Any], ...]
    regenerated_from_id: UUID | None
    created_at: datetime
    as_of: datetime
    custom_fields: dict[str, str]
    customer_custom_fields: dict[str, str]
    contract_custom_fields: dict[str, str]
    # what other systems know the contract by, given when it was made and never changed; "" if nothing
    netsuite_sales_order_id: str = ""
    salesforce_opportunity_id: str = ""
    # of a child contract: the contract and the customer that pay
    payer: tuple[UUID, UUID] | None = None
    # frozen when it was issued; None for drafts and parts (`selectors.document.with_document` makes a draft's)
    document: DocumentAmounts | None = None

    @property
    def customer_name(self) -> str:
        """The buyer's name."""
        return self.buyer.name

    @property
    def is_paid_by_parent(self) -> bool:
        """Whether another customer pays: then what that one's balances hold is not this customer's to see."""
        return self.payer is not None and self.payer[1] != self.customer_id

    @property
    def is_scheduled(self) -> bool:
        """Whether it charges what was agreed for a date, and has no period."""
        return self.type == "SCHEDULED"


@dataclass(frozen=True, slots=True)
class BreakdownView:
    """One hour or day of an invoice. The windows' lines sum to the invoice's exactly."""

    invoice: InvoiceView
    window_start: datetime
    window_end: datetime
    lines: tuple[LineView, ...]
    subtotal: Decimal


@dataclass(frozen=True, slots=True)
class DaySpend:
    """A UTC day's charges before balances, by series label (product, or product and group values), in stored units."""

    start: datetime
    by_label: dict[str, Decimal]
    total: Decimal
