from django.db import migrations

from core.sql_files import run_sql_files


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        run_sql_files(
            "core", "append_only", "core_outboxevent", "core_auditentry", "core_apikey", "core_approvalrequest",
            "core_soloact", "core_customfieldvalue",
        )
    ]  # fmt: skip
