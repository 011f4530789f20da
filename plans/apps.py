from core import registry


class PlansConfig(registry.AppRegistration):
    name = "plans"
    visible_models = {"planquote": registry.ROLES}
    audit_titles = {"plan.quote": "Change of plan quoted"}
    hidden_details = frozenset({"quote_id", "package_id", "new_contract_id", "due_now"})
