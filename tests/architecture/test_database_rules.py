"""What is written by hand beside the models: it is run, and it says what the models say."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from usage.store.postgres.models import UsageEvent

ROOT = Path(__file__).parents[2]
COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""
# By name: Django words them otherwise.
CHECKS = "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'"
INDEXES = r"""
SELECT relname, regexp_replace(pg_get_indexdef(indexrelid), ' ON (ONLY )?\S+ ', ' ON ')
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = %s::regclass AND NOT indisprimary
"""


def test_every_sql_file_is_run_once() -> None:
    files = sorted(path.relative_to(ROOT) for path in ROOT.glob("*/sql/*.sql"))
    assert files
    run = re.compile(r"run_sql_files\(([^)]*)\)")
    named = [
        Path(app, "sql", f"{name}.sql")
        for path in ROOT.glob("*/migrations/0*.py")
        for call in run.findall(path.read_text())
        for app, *names in [re.findall(r'"(\w+)"', call)]
        for name in names
    ]
    assert sorted(named) == files


@pytest.mark.django_db
def test_the_table_of_events_is_what_its_model_says() -> None:
    """Django makes one beside it; only the key differs, which no partitioned table could have."""

    def describe(table: str) -> list[set[tuple[Any, ...]]]:
        found = []
        for sql in (COLUMNS, CHECKS, INDEXES):
            cursor.execute(sql, [table])
            found.append(set(cursor.fetchall()))
        return found

    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA beside")
        cursor.execute("SET LOCAL search_path = beside, public")
        with connection.schema_editor() as editor:
            editor.create_model(UsageEvent)
        columns, checks, indexes = describe("beside.usage_usageevent")
        assert len(columns) == 8
        assert len(checks) == 2
        assert len(indexes) == 3
        assert describe("public.usage_usageevent") == [columns, checks, indexes]
