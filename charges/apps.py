from core import registry


class ChargesConfig(registry.AppRegistration):
    name = "charges"
    custom_field_entities = (
        registry.CustomFieldEntity("scheduled_charge", "charges.ScheduledCharge"),
        registry.CustomFieldEntity("discount", "charges.Discount"),
    )
