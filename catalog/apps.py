"""What can be sold."""

from core import registry


class CatalogConfig(registry.AppRegistration):
    """Registers the app."""

    name = "catalog"
    permissions = (
        registry.Permission("add_rates", "Can add rates to a rate card", "ratecard", (registry.FINANCE,)),
        registry.Permission("create_metric", "Can make a billable metric", "billablemetric", (registry.FINANCE,)),
        registry.Permission("create_product", "Can make and change a product", "product", (registry.FINANCE,)),
        registry.Permission("create_ratecard", "Can make a rate card", "ratecard", (registry.FINANCE,)),
        registry.Permission("create_package", "Can make a package", "package", (registry.FINANCE,)),
        registry.Permission("create_unit", "Can make a pricing unit", "credittype", (registry.FINANCE,)),
    )
    visible_models = {
        "product": registry.ROLES,
        "ratecard": registry.ROLES,
        "package": registry.ROLES,
        "billablemetric": registry.ROLES,
        "credittype": registry.ROLES,
    }
    custom_field_entities = (
        registry.CustomFieldEntity("billable_metric", "catalog.BillableMetric"),
        registry.CustomFieldEntity("contract_product", "catalog.Product"),
        registry.CustomFieldEntity("rate_card", "catalog.RateCard"),
    )
    api_resources = ("catalog",)
    record_pages = (
        registry.RecordPage("product", "product"),
        registry.RecordPage("ratecard", "rate card"),
        registry.RecordPage("package", "package"),
        registry.RecordPage("billablemetric", "metric"),
        registry.RecordPage("credittype", "pricing unit"),
    )
    hidden_details = frozenset({"credit_type_id", "to_package_id", "to_rate_card_id"})
    audit_titles = {
        "billable_metric.archive": "Metric archived",
        "billable_metric.create": "Metric created",
        "billable_metric.update": "Metric changed",
        "credit_type.archive": "Pricing unit archived",
        "credit_type.create": "Pricing unit created",
        "product.archive": "Product archived",
        "product.create": "Product created",
        "product.update": "Product changed",
        "rate_card.add_rates": "Rates added",
        "rate_card.archive": "Rate card archived",
        "rate_card.create": "Rate card created",
        "package.create": "Package created",
        "package.archive": "Package archived",
        "package.lose_alias": "Alias moved to another package",
        "rate_card.lose_alias": "Alias moved to another rate card",
        "rate_card.order_products": "Products put in order",
        "rate_card.update": "Rate card changed",
        "rate_card.update_named_schedule": "Rate card's named schedule changed",
    }
