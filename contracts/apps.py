from core import registry


class ContractsConfig(registry.AppRegistration):
    name = "contracts"
    permissions = (
        registry.Permission("create_contract", "Can make a contract", "contract", (registry.FINANCE,)),
        registry.Permission("edit_contract", "Can change a contract's terms", "contract", (registry.FINANCE,)),
        registry.Permission("change_end", "Can change a contract's end date", "contract", (registry.FINANCE,)),
        registry.Permission("archive_contract", "Can archive a contract", "contract", (registry.FINANCE,)),
    )
    visible_models = {"contract": registry.ROLES}
    custom_field_entities = (
        registry.CustomFieldEntity("contract", "contracts.Contract"),
        registry.CustomFieldEntity("subscription", "contracts.Subscription"),
    )
    api_resources = ("contracts",)
    sweeps = (
        registry.Sweep(
            "contracts.renew_due_contracts",
            "contracts.services.renewals.renew_due_contracts",
            every_seconds=10,
            next_due="contracts.selectors.renewals.next_renewal_at",
        ),
        registry.Sweep(
            "contracts.decide_due_trials",
            "contracts.services.trials.decide_due_trials",
            every_seconds=10,
            next_due="contracts.selectors.trials.next_trial_end_at",
        ),
    )
    record_pages = (registry.RecordPage("contract", "contract"),)
    gated_acts = (
        registry.GatedAct(
            "contract.change_end",
            "Change a contract's end",
            ask="contracts.change_end",
            approve="core.decide_request",
            carry_out="contracts.requests.carry_out_change_end",
        ),
        registry.GatedAct(
            "contract.archive",
            "Archive a contract",
            ask="contracts.archive_contract",
            approve="core.decide_request",
            carry_out="contracts.requests.carry_out_archive",
        ),
    )
    audit_titles = {"contract.update_named_schedule": "Contract's named schedule changed"}
    hidden_details = frozenset(
        {"contract_id", "edit_id", "new_contract_id", "rate_card_id", "renewed_contract_id", "strict"}
    )
