"""`/v1/contracts/seatBalances/list`: what open periods draw is taken off."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from balances.models import AccessType, Balance
from billing.api.balances import ReadsBalances
from billing.selectors.seat_balances import Access, SeatBalance, SeatHolding, seat_balances
from contracts.selectors import get_contract
from core.api.fields import ExactField, FlagField, IdField, Input, InstantField, LimitField, TextField
from core.api.output import Output
from core.api.paging import Style, encode, foreign, page_request
from core.clock import now
from engine.money import ZERO, add

COMPONENTS = "InvoicesSeats"
"""The beginning of these names in /openapi.json, wherever the code lies."""
A_PAGE = 25
MOST = 100
NO_UNIT = UUID(int=0)


class ListSeatBalancesInput(Input):
    """Which seats of a contract, and how much of them to show; `covering_date` stands alone."""

    customer_id = IdField()
    contract_id = IdField()
    subscription_ids = serializers.ListField(child=IdField(), max_length=1000, required=False, allow_null=True)
    seat_ids = serializers.ListField(child=TextField(maximum=200), max_length=1000, required=False, allow_null=True)
    skip_missing_seat_ids = FlagField(required=False, allow_null=True)
    covering_date = InstantField(required=False, allow_null=True, help_text="Only with access then; now if not given.")
    starting_at = InstantField(required=False, allow_null=True, help_text="Only with access then or later.")
    effective_before = InstantField(required=False, allow_null=True, help_text="Only with access then or before.")
    include_credits_and_commits = FlagField(required=False, allow_null=True)
    include_ledgers = FlagField(required=False, allow_null=True)
    limit = LimitField(help_text=f"At most {MOST}; more means {MOST}.")
    cursor = TextField(maximum=2000, minimum=0, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """As Metronome has it."""
        if attrs.get("covering_date") and (attrs.get("starting_at") or attrs.get("effective_before")):
            raise serializers.ValidationError(
                {"covering_date": ["cannot be given together with starting_at or effective_before"]}
            )
        return attrs


class SumOutput(Output):
    """What a seat has in one unit."""

    balance = ExactField()
    starting_balance = ExactField()
    credit_type_id = serializers.UUIDField()
    access_type = serializers.CharField()


class EntryOutput(Output):
    """A movement."""

    type = serializers.CharField()
    amount = ExactField()
    timestamp = InstantField()


class HoldingOutput(Output):
    """What a seat has of a commit or credit."""

    id = serializers.UUIDField()
    balance = ExactField()
    start_date = InstantField()
    end_date = InstantField()
    access_type = serializers.CharField()
    credit_type_id = serializers.UUIDField()
    ledger_entries = EntryOutput(many=True, required=False)


class SeatOutput(Output):
    """A seat and what it has."""

    seat_id = serializers.CharField()
    balances = SumOutput(many=True)
    commits = HoldingOutput(many=True, required=False)
    credits = HoldingOutput(many=True, required=False)


class PaginationOutput(Output):
    """Where the list goes on."""

    next_page = serializers.CharField(allow_null=True)
    seats_included = serializers.IntegerField()
    seats_available_for_next_page = serializers.IntegerField()


SEATS_PAGE = inline_serializer("SeatBalancesPage", {"data": SeatOutput(many=True), "pagination": PaginationOutput()})


class ListSeatBalances(ReadsBalances):
    """POST /v1/contracts/seatBalances/list"""

    body = ListSeatBalancesInput

    @extend_schema(request=ListSeatBalancesInput, responses=SEATS_PAGE, tags=["Commits and credits"])
    def post(self, request: Request) -> Response:
        """List what each seat has of its own, in the order of seat ids; what drafts draw now is taken off."""
        body = self.read_body(request, ListSeatBalancesInput)
        contract = get_contract(contract_id=body["contract_id"], customer_id=body["customer_id"])
        page = page_request(request, Style.BODY_CURSOR, maximum=MOST, default=A_PAGE)
        after = None
        if page.after is not None:
            if len(page.after) != 2 or page.after[0] != str(contract.pk) or not isinstance(page.after[1], str):
                raise foreign(page.field)
            after = page.after[1]
        detailed = bool(body.get("include_credits_and_commits"))
        ledgers = detailed and bool(body.get("include_ledgers"))
        found = seat_balances(
            contract=contract,
            now=now(),
            limit=page.limit,
            after=after,
            subscription_ids=body.get("subscription_ids") or (),
            seat_ids=body.get("seat_ids") or (),
            skip_missing=bool(body.get("skip_missing_seat_ids")),
            access=Access(body.get("covering_date"), body.get("starting_at"), body.get("effective_before")),
            ledgers=ledgers,
            detailed=detailed,
        )
        pagination = {
            "next_page": encode([str(contract.pk), found.seats[-1].seat_id]) if found.left else None,
            "seats_included": len(found.seats),
            "seats_available_for_next_page": min(found.left, page.limit),
        }
        rows = SeatOutput.of_each(_seat(seat, detailed=detailed, ledgers=ledgers) for seat in found.seats)
        return Response({"data": rows, "pagination": PaginationOutput.of(pagination)})


def _seat(seat: SeatBalance, *, detailed: bool, ledgers: bool) -> dict[str, Any]:
    sums: dict[tuple[UUID, str], dict[str, Any]] = {}
    for holding in seat.holdings:
        unit, access_type = _unit(holding), holding.segment.owner.access_type
        row = sums.setdefault(
            (unit, access_type),
            {"credit_type_id": unit, "access_type": access_type, "balance": ZERO, "starting_balance": ZERO},
        )
        row["balance"] = add(row["balance"], holding.balance)
        row["starting_balance"] = add(row["starting_balance"], holding.granted)
    shown: dict[str, Any] = {"seat_id": seat.seat_id, "balances": list(sums.values())}
    if detailed:
        for holding in seat.holdings:
            name = "credits" if holding.segment.owner.kind == Balance.Kind.CREDIT else "commits"
            shown.setdefault(name, []).append(_holding(holding, ledgers=ledgers))
        shown = {"commits": [], "credits": []} | shown
    return shown


def _holding(holding: SeatHolding, *, ledgers: bool) -> dict[str, Any]:
    segment = holding.segment
    shown: dict[str, Any] = {
        "id": segment.owner_id,
        "balance": holding.balance,
        "start_date": segment.starting_at,
        "end_date": segment.ending_before,
        "access_type": segment.owner.access_type,
        "credit_type_id": _unit(holding),
    }
    return shown | ({"ledger_entries": holding.ledger} if ledgers else {})


def _unit(holding: SeatHolding) -> UUID:
    """Units of a QUANTITY balance have no credit type."""
    owner = holding.segment.owner
    return NO_UNIT if owner.access_type == AccessType.QUANTITY else owner.credit_type_id
