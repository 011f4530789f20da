"""`/v1/contract-pricing/rate-cards/…RateCardProducts…`: the order of products on a card."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import services
from core.api.fields import IdField, Input, WholeField
from core.api.output import IdOutput, envelope
from core.api.views import ApiView, data
from core.clock import now

MAX_PRODUCTS = 5000


class OrderInput(Input):
    """The products that come first, in their order."""

    rate_card_id = IdField()
    product_order = serializers.ListField(child=IdField(), max_length=MAX_PRODUCTS)


class MoveInput(Input):
    """A product's new place, from 0."""

    product_id = IdField()
    position = WholeField(maximum=MAX_PRODUCTS)


class MovesInput(Input):
    """Moves, made one after the other."""

    rate_card_id = IdField()
    product_moves = serializers.ListField(child=MoveInput(), min_length=1, max_length=MAX_PRODUCTS)


class SetOrder(ApiView):
    """Setting."""

    resource = "catalog"

    @extend_schema(request=OrderInput, responses=envelope(IdOutput))
    def post(self, request: Request) -> Response:
        """Put products first on a card; the others follow as they stood."""
        body = self.read_body(request, OrderInput)
        card = services.set_product_order(
            rate_card_id=body["rate_card_id"], product_ids=body["product_order"], now=now()
        )
        return data(IdOutput.of(card))


class MoveProducts(ApiView):
    """Moving."""

    resource = "catalog"

    @extend_schema(request=MovesInput, responses=envelope(IdOutput))
    def post(self, request: Request) -> Response:
        """Move products to new places on a card."""
        body = self.read_body(request, MovesInput)
        moves = [(move["product_id"], move["position"]) for move in body["product_moves"]]
        return data(IdOutput.of(services.move_products(rate_card_id=body["rate_card_id"], moves=moves, now=now())))
