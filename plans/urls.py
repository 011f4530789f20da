"""Routes of plans."""

from django.urls import path

from plans.api import changes as api

_CONTRACT = "tactus/v1/contracts/<uuid:contract_id>"

urlpatterns = [
    path(f"{_CONTRACT}/quotes", api.QuotesView.as_view()),
    path(f"{_CONTRACT}/quotes/<uuid:quote_id>", api.QuoteView.as_view()),
    path(f"{_CONTRACT}/quotes/<uuid:quote_id>/confirm", api.ConfirmQuote.as_view()),
    path(f"{_CONTRACT}/undo-cancel", api.UndoCancel.as_view()),
]
