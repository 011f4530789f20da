"""Pricing units on the wire."""

from rest_framework import serializers

from core.api.output import Output


class CreditTypeOutput(Output):
    """A pricing unit, briefly."""

    id = serializers.UUIDField()
    name = serializers.CharField()
