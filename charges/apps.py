from core import registry


class ChargesConfig(registry.AppRegistration):
    name = "charges"
