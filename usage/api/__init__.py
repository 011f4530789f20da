"""`/v1/ingest`, `/v1/usage…`, `/v1/events/search`."""
