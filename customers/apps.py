"""Who pays."""

from core import registry


class CustomersConfig(registry.AppRegistration):
    """Registers the app."""

    name = "customers"
    permissions = (
        registry.Permission("create_customer", "Can make a customer", "customer", (registry.FINANCE,)),
        registry.Permission("edit_party", "Can change who a customer is on paper", "customer", (registry.FINANCE,)),
        registry.Permission("rename_customer", "Can rename a customer", "customer", registry.ROLES),
        registry.Permission("edit_aliases", "Can change a customer's ingest aliases", "customer", registry.ROLES),
        registry.Permission("advance_clock", "Can set up and advance test clocks", "testclock", registry.ROLES),
        registry.Permission("archive_customer", "Can archive a customer", "customer", (registry.FINANCE,)),
        registry.Permission("view_as_customer", "Can open a customer's console, read-only", "customer", registry.ROLES),
    )
    visible_models = {"customer": registry.ROLES, "ingestalias": registry.ROLES, "testclock": registry.ROLES}
    custom_field_entities = (registry.CustomFieldEntity("customer", "customers.Customer"),)
    api_resources = ("customers",)
    sweeps = (
        # every few seconds: what is written for customers on a test clock is seen to as fast as anybody's
        registry.Sweep("customers.run_test_clocks", "customers.test_clocks.run_test_clocks", every_seconds=10),
    )
    customer_model = "customer"
    record_pages = (registry.RecordPage("customer", "customer"), registry.RecordPage("testclock", "test clock"))
    gated_acts = (
        registry.GatedAct(
            "customer.archive",
            "Archive a customer",
            ask="customers.archive_customer",
            approve="core.decide_request",
            carry_out="customers.requests.carry_out_archive",
        ),
    )
    audit_titles = {
        "customer.archive": "Customer archived",
        "customer.create": "Customer created",
        "billing_provider.set_up": "Billing provider set up",
        "customer.archive_provider_configuration": "Billing provider configuration ended",
        "customer.set_party": "Party details changed",
        "customer.set_provider_configuration": "Billing provider configured",
        "customer.set_ingest_aliases": "Ingest aliases changed",
        "customer.set_name": "Customer renamed",
        "customer.update_config": "Configuration changed",
        "test_clock.advance": "Test clock advanced",
        "test_clock.create": "Test clock set up",
        "customer.update_named_schedule": "Customer's named schedule changed",
    }
    hidden_details = frozenset({"configuration", "configuration_id", "customer_id", "kind"})
