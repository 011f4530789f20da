"""Routes of what is accruing."""

from django.urls import path

from billing.api import balances, previews, seat_balances

urlpatterns = [
    path("v1/customers/<uuid:customer_id>/previewEvents", previews.PreviewEvents.as_view()),
    path("v1/contracts/customerBalances/list", balances.ListBalances.as_view()),
    path("v1/contracts/customerBalances/getNetBalance", balances.GetNetBalance.as_view()),
    path("v1/contracts/seatBalances/list", seat_balances.ListSeatBalances.as_view()),
    path("v1/contracts/customerCommits/list", balances.ListCommits.as_view()),
    path("v1/contracts/customerCredits/list", balances.ListCredits.as_view()),
]
