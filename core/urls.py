"""Routes of the kernel."""

from django.urls import path

from core.api import audit_logs, custom_fields

urlpatterns = [
    path("v1/auditLogs", audit_logs.AuditLogs.as_view()),
    path("v1/customFields/addKey", custom_fields.AddKey.as_view()),
    path("v1/customFields/removeKey", custom_fields.RemoveKey.as_view()),
    path("v1/customFields/listKeys", custom_fields.ListKeys.as_view()),
    path("v1/customFields/setValues", custom_fields.SetValues.as_view()),
    path("v1/customFields/deleteValues", custom_fields.DeleteValues.as_view()),
]
