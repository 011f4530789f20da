"""Routes of balances."""

from django.urls import path

from balances.api import balances as api

urlpatterns = [
    path("v1/contracts/customerCommits/create", api.CreateCommit.as_view()),
    path("v1/contracts/customerCommits/updateEndDate", api.EndCommit.as_view()),
    path("v1/contracts/customerCredits/create", api.CreateCredit.as_view()),
    path("v1/contracts/customerCredits/updateEndDate", api.EndCredit.as_view()),
    path("v1/contracts/addManualBalanceLedgerEntry", api.AddManualEntry.as_view()),
    path("v2/contracts/commits/edit", api.EditCommit.as_view()),
    path("v2/contracts/credits/edit", api.EditCredit.as_view()),
    path("v2/contracts/commits/archive", api.ArchiveCommit.as_view()),
    path("v2/contracts/credits/archive", api.ArchiveCredit.as_view()),
]
