"""A contract's trial as a part of contracts (contracts/parts.py): a field of ours."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers

from contracts.models import Contract, ContractEdit
from contracts.parts import Fields
from contracts.selectors.trials import trial_of
from contracts.services.trials import begin_trial
from core.api.fields import Input, InstantField, WholeField, WordField
from core.api.output import Output
from engine.calendar import Offset, OffsetUnit
from engine.trials import TrialUsage, WithoutPaymentMethod

RUNNING = "RUNNING"


class LengthInput(Input):
    """How long it is."""

    value = WholeField(minimum=1, maximum=366)
    unit = WordField(OffsetUnit)


class TrialInput(Input):
    """A trial to begin with."""

    length = LengthInput(help_text="Counted from the first trial's start where the contract follows one with a trial.")
    usage = WordField(
        TrialUsage, required=False, help_text="FREE, also if left out, or BILLED; subscriptions charge after it only."
    )
    without_payment_method = WordField(
        WithoutPaymentMethod,
        required=False,
        help_text="What happens at its end where the customer cannot be charged; EXPIRE if left out.",
    )


class TrialOutput(Output):
    """A contract's trial."""

    starting_at = InstantField(help_text="The first trial's, where one contract followed another.")
    ending_before = InstantField()
    usage = serializers.CharField()
    without_payment_method = serializers.CharField()
    status = serializers.CharField(help_text="RUNNING, CONVERTED, EXPIRED, HELD or CANCELED.")


class TrialPart:
    """How long a contract is tried before it is paid for."""

    def create_fields(self) -> Fields:
        """A new contract's."""
        return {"trial": TrialInput(required=False, allow_null=True)}

    def edit_fields(self) -> Fields:
        """It has routes of its own (contracts/api/trials.py)."""
        return {}

    def read_fields(self) -> Fields:
        """Nothing more can be asked for."""
        return {}

    def term_fields(self) -> Fields:
        """It stands on the contract as a whole (contracts/api/contract_outputs.py)."""
        return {}

    def edited_fields(self) -> Fields:
        """No edit changes it."""
        return {}

    def prepare(self, body: dict[str, Any]) -> None:
        """Nothing refers from here to another part."""

    def warnings(self, given: Collection[str]) -> list[dict[str, str]]:  # noqa: ARG002 - as each part is asked
        """All of it acts."""
        return []

    def create(self, contract: Contract, *, body: Mapping[str, Any], now: datetime) -> None:  # noqa: ARG002 - likewise
        """Begins it."""
        if (asked := body.get("trial")) is None:
            return
        begin_trial(
            contract,
            length=Offset(asked["length"]["value"], OffsetUnit(asked["length"]["unit"])),
            usage=TrialUsage(asked.get("usage") or TrialUsage.FREE),
            without_payment_method=WithoutPaymentMethod(
                asked.get("without_payment_method") or WithoutPaymentMethod.EXPIRE
            ),
        )

    def edit(
        self,
        contract: Contract,  # noqa: ARG002 - as each part is asked
        *,
        body: Mapping[str, Any],  # noqa: ARG002
        edit: ContractEdit,  # noqa: ARG002
        now: datetime,  # noqa: ARG002
    ) -> dict[str, list[dict[str, Any]]]:
        """No edit changes it."""
        return {}

    def before_reading(self, customer_id: UUID, *, asked: Mapping[str, Any], now: datetime) -> None:
        """Nothing comes due by being looked at."""

    def terms(
        self,
        contract_ids: Iterable[UUID],  # noqa: ARG002 - as each part is asked
        *,
        asked: Mapping[str, Any],  # noqa: ARG002
        at: datetime,  # noqa: ARG002
    ) -> dict[UUID, dict[str, Any]]:
        """The contract itself says it (`told_trial`): no query."""
        return {}


def told_trial(contract: Contract) -> dict[str, Any] | None:
    """A contract's trial as it is answered; None where it has none."""
    trial = trial_of(contract)
    if trial is None:
        return None
    return {
        "starting_at": trial.starting_at,
        "ending_before": trial.ending_before,
        "usage": trial.usage.value,
        "without_payment_method": trial.without_payment_method.value,
        "status": RUNNING if trial.outcome is None else trial.outcome.value,
    }
