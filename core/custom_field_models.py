"""Keys of custom fields, and the values that must not stand twice."""

import uuid

from django.db import models


class CustomFieldKey(models.Model):
    """A key that records of one kind may have. `enforce_uniqueness`: no two of them have the same value of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    entity = models.CharField(max_length=30)
    key = models.CharField(max_length=100)
    enforce_uniqueness = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["entity", "key"]
        constraints = [models.UniqueConstraint(fields=["entity", "key"], name="custom_field_key_once")]

    def __str__(self) -> str:
        return f"{self.entity}: {self.key}"


class CustomFieldValue(models.Model):
    """A value of a unique key, and whose it is. Written by triggers on the records' own tables, and by nobody else."""

    id = models.BigAutoField(primary_key=True)
    entity = models.CharField(max_length=30)
    key = models.CharField(max_length=100)
    value = models.CharField(max_length=200)
    record_id = models.UUIDField()

    class Meta:
        indexes = [models.Index(fields=["entity", "record_id"], name="custom_field_record_idx")]
        constraints = [models.UniqueConstraint(fields=["entity", "key", "value"], name="custom_field_value_once")]

    def __str__(self) -> str:
        return f"{self.entity}: {self.key}={self.value}"
