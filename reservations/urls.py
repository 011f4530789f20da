"""Routes of reservations."""

from django.urls import path

from reservations.api import reservations as api

_BALANCES = "tactus/v1/balances"

urlpatterns = [
    path(f"{_BALANCES}/reserve", api.ReserveView.as_view()),
    path(f"{_BALANCES}/commit", api.CommitView.as_view()),
    path(f"{_BALANCES}/release", api.ReleaseView.as_view()),
    path(f"{_BALANCES}/reservations/list", api.ListReservations.as_view()),
    path(f"{_BALANCES}/reservations/<uuid:reservation_id>", api.RetrieveReservation.as_view()),
]
