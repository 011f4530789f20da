"""Routes of contracts."""

from django.urls import path

from contracts.api import contracts as api
from contracts.api import (
    edits,
    named_schedules,
    packages,
    rate_schedule,
    renewals,
    subscription_history,
    trials,
    usage_filters,
)
from contracts.api.customer_metrics import CustomerMetrics

urlpatterns = [
    path("v1/contracts/create", api.CreateContract.as_view()),
    path("v1/contracts/get", api.RetrieveContract.as_view()),
    path("v2/contracts/get", api.RetrieveContractV2.as_view()),
    path("v1/contracts/list", api.ListContracts.as_view()),
    path("v2/contracts/list", api.ListContractsV2.as_view()),
    path("v1/contracts/getContractRateSchedule", rate_schedule.GetContractRateSchedule.as_view()),
    path("v1/contracts/getSubscriptionQuantityHistory", subscription_history.GetQuantityHistory.as_view()),
    path("v1/contracts/getSubscriptionSeatsHistory", subscription_history.GetSeatsHistory.as_view()),
    path("v1/contracts/getNamedSchedule", named_schedules.GetNamedSchedule.as_view()),
    path("v1/contracts/updateNamedSchedule", named_schedules.UpdateNamedSchedule.as_view()),
    path("v1/contracts/listNamedSchedules", named_schedules.ListNamedSchedules.as_view()),
    path("v1/contracts/setUsageFilter", usage_filters.SetUsageFilter.as_view()),
    path("v2/contracts/edit", edits.EditContract.as_view()),
    path("v2/contracts/getEditHistory", edits.GetEditHistory.as_view()),
    path("v1/contracts/archive", api.ArchiveContract.as_view()),
    path("v1/contracts/updateEndDate", api.UpdateEndDate.as_view()),
    path("v1/packages/create", packages.CreatePackage.as_view()),
    path("v1/packages/get", packages.RetrievePackage.as_view()),
    path("v1/packages/list", packages.ListPackages.as_view()),
    path("v1/packages/archive", packages.ArchivePackage.as_view()),
    path("v1/packages/listContractsOnPackage", packages.ListContractsOnPackage.as_view()),
    path("tactus/v1/contracts/<uuid:contract_id>/renewal", renewals.RenewalView.as_view()),
    path("tactus/v1/contracts/<uuid:contract_id>/trial", trials.TrialView.as_view()),
    path("tactus/v1/contracts/<uuid:contract_id>/trial/convert", trials.ConvertTrial.as_view()),
    path("tactus/v1/renewals", renewals.RenewalsView.as_view()),
    path("v1/customers/<uuid:customer_id>/billable-metrics", CustomerMetrics.as_view()),
]
