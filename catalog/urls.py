"""Routes of the catalogue, without trailing slashes."""

from django.urls import path

from catalog.api import credit_types, metrics, named_schedules, product_orders, products, rate_cards, rates

PRODUCTS = "v1/contract-pricing/products"
CARDS = "v1/contract-pricing/rate-cards"

urlpatterns = [
    path("v1/billable-metrics", metrics.MetricsView.as_view()),
    path("v1/billable-metrics/create", metrics.CreateMetric.as_view()),
    path("v1/billable-metrics/archive", metrics.ArchiveMetric.as_view()),
    path("v1/billable-metrics/<uuid:metric_id>", metrics.MetricView.as_view()),
    path(f"{PRODUCTS}/create", products.CreateProduct.as_view()),
    path(f"{PRODUCTS}/get", products.RetrieveProduct.as_view()),
    path(f"{PRODUCTS}/list", products.ListProducts.as_view()),
    path(f"{PRODUCTS}/update", products.UpdateProduct.as_view()),
    path(f"{PRODUCTS}/archive", products.ArchiveProduct.as_view()),
    path(f"{CARDS}/create", rate_cards.CreateRateCard.as_view()),
    path(f"{CARDS}/get", rate_cards.RetrieveRateCard.as_view()),
    path(f"{CARDS}/list", rate_cards.ListRateCards.as_view()),
    path(f"{CARDS}/update", rate_cards.UpdateRateCard.as_view()),
    path(f"{CARDS}/archive", rate_cards.ArchiveRateCard.as_view()),
    path(f"{CARDS}/addRate", rates.AddRate.as_view()),
    path(f"{CARDS}/addRates", rates.AddRates.as_view()),
    path(f"{CARDS}/getRates", rates.GetRates.as_view()),
    path(f"{CARDS}/getRateSchedule", rates.GetRateSchedule.as_view()),
    path(f"{CARDS}/getNamedSchedule", named_schedules.GetNamedSchedule.as_view()),
    path(f"{CARDS}/updateNamedSchedule", named_schedules.UpdateNamedSchedule.as_view()),
    path(f"{CARDS}/setRateCardProductsOrder", product_orders.SetOrder.as_view()),
    path(f"{CARDS}/moveRateCardProducts", product_orders.MoveProducts.as_view()),
    path("v1/credit-types/list", credit_types.ListCreditTypes.as_view()),
    path("v1/credit-types/create", credit_types.CreateCreditType.as_view()),
    path("v1/credit-types/archive", credit_types.ArchiveCreditType.as_view()),
]
