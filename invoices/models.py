"""What is owed: documents. A FINALIZED invoice and its lines never change (invoices/sql); only VOID is left."""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import ExpressionWrapper, F, Q

from balances.models import Balance, Segment
from billing.models import BillingPeriod
from catalog.models import CreditType, Product
from charges.models import Discount, ScheduledCharge
from contracts.models import Contract, Subscription
from core.fields import ExactDecimalField, enum_choices, finite, whole
from customers.models import Customer
from engine.document import SettlementState
from engine.invoice_states import InvoiceStatus, InvoiceType


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
    """An issued document. Amounts are in `credit_type`'s stored unit (cents for USD).

    What accrues before it is a billing period (billing.models), whose id it takes: clients see one object from draft to
    final.
    """

    Status = InvoiceStatus

    id = models.UUIDField(primary_key=True, editable=False)
    billing_period = models.OneToOneField(BillingPeriod, on_delete=models.PROTECT, related_name="invoice")
    # whose usage it bills, and who pays
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="invoices")
    payer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="invoices")
    credit_type = models.ForeignKey(CreditType, on_delete=models.PROTECT, related_name="+")
    type = models.CharField(max_length=10, choices=enum_choices(InvoiceType))
    status = models.CharField(max_length=10, choices=enum_choices(InvoiceStatus), default=InvoiceStatus.FINALIZED)
    # a SCHEDULED one has no period: both are the date of its charges
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    # when its period was due to close: period end + grace
    due_at = models.DateTimeField()
    # its place in the series of its date's year, and the same as text: a later number never has an earlier date
    series = models.ForeignKey(NumberSeries, on_delete=models.PROTECT, related_name="invoices")
    series_number = models.BigIntegerField()
    number = models.CharField(max_length=40)
    # the UTC day on which it was issued, and the day by which it is to be paid
    document_date = models.DateField()
    due_date = models.DateField()
    # which edition of a document's content it holds (invoices.services.freezing), and who it is between: as
    # billing.parties.party_json wrote them when it was issued
    content_version = models.PositiveSmallIntegerField()
    seller = models.JSONField()
    buyer = models.JSONField()
    contract_name = models.CharField(max_length=200, blank=True)
    # exact, in the stored unit
    subtotal = ExactDecimalField()
    rounding = ExactDecimalField()
    total = ExactDecimalField()
    # in whole minor units (cents for USD and EUR); the lines' `document_amount`s sum to the subtotal
    document_subtotal = ExactDecimalField()
    document_tax = ExactDecimalField()
    document_total = ExactDecimalField()
    net_payment_terms_days = models.PositiveIntegerField(default=0)
    regenerated_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="regenerations"
    )
    created_at = models.DateTimeField()
    # as on the wire: when period and grace were over, whenever it was finalized
    issued_at = models.DateTimeField()
    finalized_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)
    # usage that no rate priced, as found at finalization: [] or InvoiceView.unrated
    unrated = models.JSONField(default=list, blank=True)
    # SHA-256 over all that the document says, as issued; `verify_invoices` recomputes it
    content_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["-period_start", "-id"]
        indexes = [models.Index(fields=["customer", "-period_start", "-id"], name="invoice_customer_idx")]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="invoice_number_once"),
            models.UniqueConstraint(fields=["series", "series_number"], name="invoice_place_in_series_once"),
            models.UniqueConstraint(
                fields=["regenerated_from"], condition=~Q(status="VOID"), name="invoice_regenerated_once"
            ),
            models.CheckConstraint(condition=Q(billing_period=F("id")), name="invoice_has_its_periods_id"),
            models.CheckConstraint(
                condition=Q(status="FINALIZED", voided_at__isnull=True) | Q(status="VOID", voided_at__isnull=False),
                name="invoice_void_at",
            ),
            finite("invoice_amounts_finite", "subtotal", "rounding", "total", *_DOCUMENT),
            whole("invoice_document_amounts_whole", *_DOCUMENT),
            models.CheckConstraint(
                condition=Q(series_number__gte=1, due_date=_DUE), name="invoice_is_dated_where_numbered"
            ),
            models.CheckConstraint(condition=Q(total=F("subtotal") + F("rounding")), name="invoice_total_adds_up"),
            models.CheckConstraint(
                condition=Q(document_total=F("document_subtotal") + F("document_tax")), name="invoice_document_adds_up"
            ),
        ]

    def __str__(self) -> str:
        return self.number


class InvoiceListing(models.Model):
    """A draft or a document as lists show and page it: a view over open billing periods and invoices, never written.

    What a draft comes to is not here: it is computed (billing.compute). `draft_total` is what it was last.
    """

    Status = InvoiceStatus
    # what the audit trail calls it: draft and document are one to people
    subject_type = "invoice"

    id = models.UUIDField(primary_key=True)
    customer = models.ForeignKey(Customer, on_delete=models.DO_NOTHING, related_name="invoice_listings")
    contract = models.ForeignKey(Contract, on_delete=models.DO_NOTHING, related_name="invoice_listings")
    credit_type = models.ForeignKey(CreditType, on_delete=models.DO_NOTHING, related_name="+")
    type = models.CharField(max_length=10, choices=enum_choices(InvoiceType))
    status = models.CharField(max_length=10, choices=enum_choices(InvoiceStatus))
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    due_at = models.DateTimeField()
    # of drafts
    attempts = models.PositiveSmallIntegerField()
    next_attempt_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500)
    draft_total = ExactDecimalField(null=True)
    draft_total_at = models.DateTimeField(null=True)
    # of documents
    number = models.CharField(max_length=40, null=True)  # noqa: DJ001 - a draft has none
    document_date = models.DateField(null=True)
    due_date = models.DateField(null=True)
    seller = models.JSONField(null=True)
    buyer = models.JSONField(null=True)
    contract_name = models.CharField(max_length=200)
    subtotal = ExactDecimalField(null=True)
    rounding = ExactDecimalField(null=True)
    total = ExactDecimalField(null=True)
    issued_at = models.DateTimeField(null=True)
    finalized_at = models.DateTimeField(null=True)
    voided_at = models.DateTimeField(null=True)
    unrated = models.JSONField()
    content_hash = models.CharField(max_length=64)
    regenerated_from = models.ForeignKey(
        "self", null=True, on_delete=models.DO_NOTHING, related_name="regenerations", db_constraint=False
    )
    net_payment_terms_days = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "invoices_invoicelisting"
        verbose_name = "invoice"
        default_permissions = ()
        ordering = ["-period_start", "-id"]

    def __str__(self) -> str:
        return self.number or f"Draft {self.period_start:%b %Y}"


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
    # what it charges by date, or the discount that it takes off
    scheduled_charge = models.ForeignKey(ScheduledCharge, null=True, on_delete=models.PROTECT, related_name="+")
    discount = models.ForeignKey(Discount, null=True, on_delete=models.PROTECT, related_name="+")
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
