import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0001_customers"),
    ]

    operations = [
        migrations.CreateModel(
            name="IngestAlias",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("alias", models.CharField(max_length=128)),
                ("position", models.PositiveIntegerField()),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="aliases", to="customers.customer"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "ingest aliases",
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(fields=("alias",), name="ingest_alias_once"),
                    models.CheckConstraint(
                        condition=models.Q(("alias", ""), _negated=True), name="ingest_alias_not_empty"
                    ),
                ],
            },
        ),
    ]
