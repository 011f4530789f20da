"""Routes of customers, without trailing slashes."""

from django.urls import path

from customers.api import customers as api
from customers.api import named_schedules, parties, providers, test_clocks

urlpatterns = [
    path("v1/customers", api.CustomersView.as_view()),
    path("v1/customers/getNamedSchedule", named_schedules.GetNamedSchedule.as_view()),
    path("v1/customers/updateNamedSchedule", named_schedules.UpdateNamedSchedule.as_view()),
    path("v1/customers/archive", api.ArchiveView.as_view()),
    path("v1/setCustomerBillingProviderConfigurations", providers.SetConfigurations.as_view()),
    path("v1/getCustomerBillingProviderConfigurations", providers.GetConfigurations.as_view()),
    path("v1/archiveCustomerBillingProviderConfigurations", providers.ArchiveConfigurations.as_view()),
    path("v1/setCustomerRevenueSystemConfigurations", providers.SetRevenueConfigurations.as_view()),
    path("v1/getCustomerRevenueSystemConfigurations", providers.GetRevenueConfigurations.as_view()),
    path("v1/archiveCustomerRevenueSystemConfigurations", providers.ArchiveRevenueConfigurations.as_view()),
    path("v1/setUpBillingProvider", providers.SetUpProvider.as_view()),
    path("v1/listConfiguredBillingProviders", providers.ListProviders.as_view()),
    path("tactus/v1/customers/<uuid:customer_id>/party", parties.PartyView.as_view()),
    path("tactus/v1/test_clocks", test_clocks.TestClocksView.as_view()),
    path("tactus/v1/test_clocks/<uuid:test_clock_id>", test_clocks.TestClockView.as_view()),
    path("tactus/v1/test_clocks/<uuid:test_clock_id>/advance", test_clocks.AdvanceTestClock.as_view()),
    path("v1/customers/<uuid:customer_id>", api.CustomerView.as_view()),
    path("v1/customers/<uuid:customer_id>/setName", api.NameView.as_view()),
    path("v1/customers/<uuid:customer_id>/setIngestAliases", api.AliasesView.as_view()),
    path("v1/customers/<uuid:customer_id>/updateConfig", api.ConfigView.as_view()),
]
