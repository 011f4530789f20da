"""What happens when a contract's term ends: agreed on, changed or taken back, with the effect shown first."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rest_framework import serializers

from backoffice.making.edits import living_contract, page_of
from backoffice.making.fields import choice, filled, number
from backoffice.making.frame import Made, Making, MakingForm, Section
from backoffice.renewal_words import coming, notice_due, policy_words
from contracts.api.renewals import RenewalInput
from contracts.models import Contract, RenewalPolicy
from contracts.selectors.renewals import get_renewal
from contracts.services.renewals import set_renewal, withdraw_renewal
from core.api.fields import Input
from core.transactions import rehearsed
from engine.money import plain
from engine.renewals import PriceList, RenewalKind
from presentation import formatting

WITHDRAW = "WITHDRAW"
KINDS = (
    (RenewalKind.SAME_TERMS.value, "Renew on the same terms"),
    (RenewalKind.NOTIFY_ONLY.value, "Give notice only; the contract ends"),
)
PRICES = (
    (PriceList.CONTRACT.value, "the contract's own go along"),
    (PriceList.OF_THE_DAY.value, "the rate card's, as they are then"),
)


def policy_of(contract: Contract) -> RenewalPolicy | None:
    """What is agreed about its end, if something is."""
    return RenewalPolicy.objects.filter(contract=contract).first()


class TakenBack(Input):
    """Nothing more is said where it is taken back."""


class RenewalForm(MakingForm):
    """The policy of one contract, as `PUT /tactus/v1/contracts/{contract_id}/renewal` takes it."""

    reads = RenewalInput
    sections = (
        Section("When the term ends", ("kind", "notice_days")),
        Section(
            "The next term",
            ("term_months", "uplift_percent", "price_list"),
            "Only where it is renewed: leave these empty otherwise.",
        ),
    )
    kind = choice("What happens", KINDS)
    notice_days = number("Notice (days before the end)", help_text="0 or empty: none is given.")
    term_months = number("Lasts (months)", help_text="Empty: as long as this term.")
    uplift_percent = number("Prices change by (%)", help_text="5 for five percent more. Commits and credits stay.")
    price_list = choice("Prices", PRICES, required=False, help_text="Empty: the contract's own go along.")

    def prepare(self) -> None:
        policy = policy_of(self.subject)
        if policy is not None and policy.state == RenewalPolicy.State.ACTIVE:
            taken_back = (WITHDRAW, "Take back what is agreed; the contract ends")
            self.fields["kind"].choices = (*KINDS, taken_back)  # type: ignore[attr-defined]

    @property
    def takes_back(self) -> bool:
        """Whether nothing shall be agreed any more."""
        return bool(self.cleaned_data["kind"] == WITHDRAW)

    def reader(self) -> type[serializers.Serializer[Any]]:
        return TakenBack if self.takes_back else RenewalInput

    def body(self) -> dict[str, Any]:
        if self.takes_back:
            return {"kind": WITHDRAW}
        data = self.cleaned_data
        whole = {name: whole_number(data[name]) for name in ("term_months", "notice_days")}
        said = {name: data[name] for name in ("kind", "uplift_percent", "price_list")}
        return filled({**said, **whole})

    def agree(self, read: dict[str, Any]) -> None:
        """The service call, the API's own."""
        if self.takes_back:
            withdraw_renewal(contract_id=self.subject.pk, now=self.at)
            return
        terms = {name: value for name, value in read.items() if value is not None}
        if "term_months" in terms:
            terms["months"] = terms.pop("term_months")
        set_renewal(contract_id=self.subject.pk, **terms, now=self.at)

    def foretell(self, read: dict[str, Any]) -> list[str]:
        before = policy_words(policy_of(self.subject))
        said: list[str] = []

        @contextmanager
        def watching() -> Iterator[None]:
            yield
            said.extend(_effects(get_renewal(contract_id=self.subject.pk), before, self.at))

        with rehearsed(watching):
            self.agree(read)
        return said

    def carry_out(self, read: dict[str, Any]) -> Made:
        self.agree(read)
        return Made("The renewal policy is changed.", page_of(self.subject))


def _effects(policy: RenewalPolicy, before: str, at: datetime) -> list[str]:
    contract = policy.contract
    will, _ = coming(contract, policy, at)
    due = notice_due(policy, contract)
    taken_back = policy.state == RenewalPolicy.State.WITHDRAWN
    if due is None:
        notice = "No notice is given."
    elif due <= at:
        notice = "Notice is given at once: it would have been due already."
    else:
        notice = f"Notice is given {formatting.instant(due)} UTC."
    return [
        f"So far: {before}.",
        "From now on: nothing is agreed." if taken_back else f"From now on: {policy_words(policy)}.",
        f"The term ends {formatting.instant(contract.ending_before)} UTC. {will}",
        notice,
    ]


def whole_number(written: str) -> int | str:
    """What was written as a number, where it is one; else as it is, for the API's check to refuse."""
    return int(written) if written.isascii() and written.isdigit() else written


def _as_agreed(contract: Contract, _query: Mapping[str, str], _at: datetime) -> dict[str, Any]:
    policy = policy_of(contract)
    if policy is None:
        return {"kind": RenewalKind.SAME_TERMS.value, "notice_days": "30"}
    shown = {"kind": policy.kind, "notice_days": str(policy.notice_days)}
    if policy.kind == RenewalKind.NOTIFY_ONLY:
        return shown
    return shown | {
        "term_months": str(policy.term_months), "uplift_percent": plain(policy.uplift_percent),
        "price_list": policy.price_list,
    }  # fmt: skip


POLICY = Making(
    title="Change renewal policy",
    permission="contracts.edit_contract",
    form=RenewalForm,
    submit="Agree on this",
    effects=(
        "It holds for the end of this term and is agreed again for each next one.",
        "You will see what comes of it before anything is stored.",
    ),
    back=page_of,
    find=living_contract,
    suggested=_as_agreed,
    asks_first=True,
)
