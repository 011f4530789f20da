"""What is owed. A FINALIZED invoice and its lines never change (triggers in the migrations); only VOID is left."""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import ExpressionWrapper, F, Q

from balances.models import Balance, Segment
from catalog.models import CreditType, Product
from contracts.models import Contract, Subscription
from core.fields import ExactDecimalField, finite, whole
from customers.models import Customer
from engine.document import SettlementState


class NumberSeries(models.Model):
    """The counter behind a year's gap-free numbers: locked and advanced in the transaction that issues a document."""

    name = models.CharField(max_length=20, primary_key=True)
    year = models.PositiveSmallIntegerField()
    last_number = models.BigIntegerField(default=0)
    # the date of the document that has `last_number`; NULL before the first
    last_date = models.DateField(null=True)

    class Meta:
        verbose_name_plural = "number series"
        constraints = [models.CheckConstraint(condition=Q(last_number__gte=0), name="number_series_not_negative")]

    def __str__(self) -> str:
        return f"{self.name} {self.last_number}"


_DOCUMENT = ("document_subtotal", "document_tax", "document_total")
_DUE = ExpressionWrapper(F("document_date") + F("net_payment_terms_days"), output_field=models.DateField())


class Invoice(models.Model):
    """One bill. Amounts are in `credit_type`'s stored unit (cents for USD).

    A DRAFT has no lines of its own: they are computed from terms and usage whenever it is read, by the function that
    finalizes it.
    """

    class Kind(models.TextChoices):
        USAGE = "USAGE"
        SCHEDULED = "SCHEDULED"

    class Status(models.TextChoices):
        DRAFT = "DRAFT"
        FINALIZED = "FINALIZED"
        VOID = "VOID"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="invoices")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="invoices")
    credit_type = models.ForeignKey(CreditType, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.USAGE)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    # a SCHEDULED one has no period: both are the date of its charges
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    # when a DRAFT becomes due for finalization: period end + grace
    due_at = models.DateTimeField()
    # when a sweeper looks at this DRAFT next: `due_at`, or later after a failed attempt (`last_error` says why)
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True, default="")
    # its place in the series of its date's year, and the same as text: a later number never has an earlier date
    series = models.ForeignKey(NumberSeries, null=True, on_delete=models.PROTECT, related_name="invoices")
    series_number = models.BigIntegerField(null=True)
    number = models.CharField(max_length=40, null=True, blank=True)  # noqa: DJ001 - NULLs are not equal
    # which edition of a document's content it holds (invoices.services.freezing), and who it is between: as
    # invoices.parties.party_json wrote them when it was issued
    content_version = models.PositiveSmallIntegerField(null=True)
    seller = models.JSONField(null=True)
    buyer = models.JSONField(null=True)
    contract_name = models.CharField(max_length=200, blank=True, default="")
    # in whole minor units (cents for USD and EUR); the lines' `document_amount`s sum to the subtotal
    document_subtotal = ExactDecimalField(null=True)
    document_tax = ExactDecimalField(null=True)
    document_total = ExactDecimalField(null=True)
    # the UTC day on which it was issued, and the day by which it is to be paid
    document_date = models.DateField(null=True)
    due_date = models.DateField(null=True)
    subtotal = ExactDecimalField(null=True)
    rounding = ExactDecimalField(null=True)
    total = ExactDecimalField(null=True)
    # A DRAFT's last computed total and when, for staff lists only; the API and the console compute it afresh.
    draft_total = ExactDecimalField(null=True)
    draft_total_at = models.DateTimeField(null=True)
    net_payment_terms_days = models.PositiveIntegerField(default=0)
    regenerated_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="regenerations"
    )
    created_at = models.DateTimeField()
    # as on the wire: when period and grace were over, whenever it was finalized
    issued_at = models.DateTimeField(null=True, blank=True)
    finalized_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)
    # usage that no rate priced, as found at finalization: [] or InvoiceView.unrated
    unrated = models.JSONField(default=list, blank=True)
    # SHA-256 over all that the document says, as issued; `verify_invoices` recomputes it
    content_hash = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        ordering = ["-period_start", "-id"]
        indexes = [
            models.Index(fields=["customer", "-period_start", "-id"], name="invoice_customer_idx"),
            models.Index(
                fields=["next_attempt_at", "period_start"], condition=Q(status="DRAFT"), name="invoice_due_idx"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "kind", "period_start"],
                condition=Q(kind="USAGE") & ~Q(status="VOID"),
                name="invoice_once_per_period",
            ),
            models.UniqueConstraint(
                fields=["contract", "period_start", "credit_type"],
                condition=Q(kind="SCHEDULED", status="DRAFT", regenerated_from__isnull=True),
                name="invoice_scheduled_once_per_date",
            ),
            models.UniqueConstraint(fields=["number"], name="invoice_number_once"),
            models.UniqueConstraint(fields=["series", "series_number"], name="invoice_place_in_series_once"),
            models.UniqueConstraint(
                fields=["regenerated_from"], condition=~Q(status="VOID"), name="invoice_regenerated_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="USAGE", period_start__lt=F("period_end"))
                | Q(kind="SCHEDULED", period_start=F("period_end")),
                name="invoice_period_not_empty",
            ),
            finite("invoice_amounts_finite", "subtotal", "rounding", "total", "draft_total", *_DOCUMENT),
            whole("invoice_document_amounts_whole", *_DOCUMENT),
            models.CheckConstraint(
                condition=Q(status="DRAFT", number__isnull=True, total__isnull=True)
                | (
                    ~Q(status="DRAFT")
                    & Q(total__isnull=False, subtotal__isnull=False, rounding__isnull=False, issued_at__isnull=False)
                    & Q(finalized_at__isnull=False, number__isnull=False, content_version__isnull=False)
                    & Q(seller__isnull=False, buyer__isnull=False, document_total__isnull=False)
                ),
                name="invoice_final_is_complete",
            ),
            models.CheckConstraint(
                condition=Q(number__isnull=True, series__isnull=True, document_date__isnull=True, due_date__isnull=True)
                | Q(number__isnull=False, series__isnull=False, series_number__isnull=False, series_number__gte=1)
                & Q(document_date__isnull=False, due_date__isnull=False, due_date=_DUE),
                name="invoice_is_dated_where_numbered",
            ),
            models.CheckConstraint(
                condition=Q(total__isnull=True) | Q(total=F("subtotal") + F("rounding")), name="invoice_total_adds_up"
            ),
            models.CheckConstraint(
                condition=Q(document_total__isnull=True)
                | Q(document_subtotal__isnull=False, document_tax__isnull=False)
                & Q(document_total=F("document_subtotal") + F("document_tax")),
                name="invoice_document_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return self.number or f"Draft {self.period_start:%b %Y}"


class BillingCursor(models.Model):
    """When a contract's next billing period begins and its draft must exist; NULL when there is none left."""

    contract = models.OneToOneField(Contract, primary_key=True, on_delete=models.PROTECT, related_name="billing_cursor")
    next_period_at = models.DateTimeField(null=True, db_index=True)

    def __str__(self) -> str:
        return f"next period of {self.contract_id}"


_EXACT = ("quantity", "unit_price", "total", "quantity_consumed", "document_amount")


class InvoiceLine(models.Model):
    """A line of a finalized (or void) invoice, exact, with the explanation that lets a person recompute it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField()
    type = models.CharField(max_length=40)
    product = models.ForeignKey(Product, null=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    quantity = ExactDecimalField(null=True)
    unit_price = ExactDecimalField(null=True)
    total = ExactDecimalField()
    starting_at = models.DateTimeField(null=True)
    ending_before = models.DateTimeField(null=True)
    pricing_group_values = models.JSONField(default=dict)
    presentation_group_values = models.JSONField(default=dict)
    # {"level", "starting_at", "size"} as on the wire, None without tiers
    tier = models.JSONField(null=True)
    explanation = models.JSONField(default=dict)
    # the unit of its amounts where that is not the invoice's: such a line is not counted, its conversion is
    credit_type = models.ForeignKey(CreditType, null=True, on_delete=models.PROTECT, related_name="+")
    counted = models.BooleanField(default=True)
    # who paid the line, or for an applied line whose payment it is
    commit = models.ForeignKey(Balance, null=True, on_delete=models.PROTECT, related_name="+")
    commit_segment = models.ForeignKey(Segment, null=True, on_delete=models.PROTECT, related_name="+")
    commit_type = models.CharField(max_length=20, blank=True, default="")
    quantity_consumed = ExactDecimalField(null=True)
    # a counted line's amount on the document, in whole minor units of the invoice's currency
    document_amount = ExactDecimalField(null=True)
    # what it charges for: with `starting_at` it says which charge of the subscription stands on this invoice
    subscription = models.ForeignKey(Subscription, null=True, on_delete=models.PROTECT, related_name="+")
    product_type = models.CharField(  # noqa: DJ001 - NULL: no product at all
        max_length=40, null=True, default="UsageProductListItem"
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(
                condition=Q(credit_type__isnull=True) | Q(counted=False), name="invoice_line_counted_in_its_unit"
            ),
            models.UniqueConstraint(fields=["invoice", "position"], name="invoice_line_position_once"),
            finite("invoice_line_amounts_finite", *_EXACT),
            whole("invoice_line_document_amount_whole", "document_amount"),
            models.CheckConstraint(
                condition=Q(counted=True, document_amount__isnull=False)
                | Q(counted=False, document_amount__isnull=True),
                name="invoice_line_on_document_where_counted",
            ),
        ]

    def __str__(self) -> str:
        return self.name


_SETTLED = ("amount_due", "amount_paid", "amount_credited", "amount_written_off")
_GONE = F("amount_paid") + F("amount_credited") + F("amount_written_off")


class Settlement(models.Model):
    """What an issued invoice asks for and what became of it, in whole minor units; one writer: services.settlement.

    `amount_due` is the document's total, 0 where that is negative. OVERDUE is derived (selectors.settlement).
    """

    invoice = models.OneToOneField(Invoice, primary_key=True, on_delete=models.PROTECT, related_name="settlement")
    due_on = models.DateField()
    amount_due = ExactDecimalField()
    amount_paid = ExactDecimalField(default=Decimal(0))
    amount_credited = ExactDecimalField(default=Decimal(0))
    amount_written_off = ExactDecimalField(default=Decimal(0))
    state = models.CharField(max_length=20, choices=[(state.value, state.name) for state in SettlementState])

    class Meta:
        constraints = [
            finite("settlement_amounts_finite", *_SETTLED),
            whole("settlement_amounts_whole", *_SETTLED),
            models.CheckConstraint(
                condition=Q(amount_due__gte=0, amount_paid__gte=0, amount_credited__gte=0, amount_written_off__gte=0),
                name="settlement_amounts_not_negative",
            ),
            models.CheckConstraint(condition=Q(amount_due__gte=_GONE), name="settlement_takes_what_is_due"),
            models.CheckConstraint(
                condition=Q(state="OPEN", amount_paid=0, amount_written_off=0, amount_due__gt=_GONE)
                | Q(state="PARTIALLY_PAID", amount_paid__gt=0, amount_written_off=0, amount_due__gt=_GONE)
                | Q(state="PAID", amount_written_off=0, amount_due__lte=_GONE)
                | Q(state="UNCOLLECTIBLE", amount_written_off__gt=0, amount_due__lte=_GONE)
                | Q(state="VOID"),
                name="settlement_state_follows_its_amounts",
            ),
        ]

    def __str__(self) -> str:
        return f"settlement of {self.invoice_id}"


class InvoiceDocument(models.Model):
    """The PDF of a finalized invoice, rendered once after finalization."""

    invoice = models.OneToOneField(Invoice, primary_key=True, on_delete=models.PROTECT, related_name="document")
    pdf = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    rendered_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"PDF of {self.invoice_id}"
