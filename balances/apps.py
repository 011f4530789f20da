from core import registry


class BalancesConfig(registry.AppRegistration):
    name = "balances"
    permissions = (
        registry.Permission(
            "request_adjustment",
            "Can adjust balances and grant credits, within a limit alone",
            "adjustment",
            registry.ROLES,
        ),
        registry.Permission(
            "approve_adjustment", "Can decide on what others ask to adjust", "adjustment", (registry.FINANCE,)
        ),
        registry.Permission("create_balance", "Can give a customer a commit or credit", "balance", (registry.FINANCE,)),
    )
    visible_models = {
        "balance": registry.ROLES,
        "adjustment": registry.ROLES,
        "ledgercheck": (registry.FINANCE,),
    }
    custom_field_entities = (
        registry.CustomFieldEntity("commit", "balances.Balance", (("kind__in", ("PREPAID", "POSTPAID")),)),
        registry.CustomFieldEntity("contract_credit", "balances.Balance", (("kind__in", ("CREDIT",)),)),
    )
    api_resources = ("balances",)
    sweeps = (
        registry.Sweep(
            "balances.issue_recurring_balances",
            "balances.services.recurring.issue_recurring_balances",
            every_seconds=10,
            next_due="balances.selectors.balances.next_grant_at",
        ),
        registry.Sweep(
            "balances.withdraw_forgotten",
            "balances.services.adjustments.withdraw_forgotten",
            every_seconds=300,
            next_due="balances.services.adjustments.next_forgotten_at",
        ),
        registry.Sweep("balances.check_ledgers", "balances.services.checks.check_ledgers", every_seconds=300),
    )
    record_pages = (registry.RecordPage("balance", "balance"), registry.RecordPage("adjustment", "adjustment"))
    hidden_details = frozenset(
        {"amount", "approval", "credit_id", "credit_type", "invoice_contract_id", "segment_id", "timestamp"}
    )
