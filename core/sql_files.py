"""SQL beside the models, run by migrations: the rules and tables that Django has no words for.

`<app>/sql/<name>.sql` holds what is current, one file per table. `make migrations` makes the rest anew from the models.
"""

from importlib.resources import files

from django.db.migrations import RunSQL


def run_sql_files(app: str, *names: str) -> RunSQL:
    """Operation of a migration that runs `<app>/sql/<name>.sql` for each of `names`, in this order.

    There is no way back from it: what proves the books is not taken off them.

    Raises:
        FileNotFoundError: if the app has no such file.
    """
    folder = files(app) / "sql"
    return RunSQL("\n".join((folder / f"{name}.sql").read_text(encoding="utf-8") for name in names))
