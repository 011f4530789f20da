"""Settings: `base` holds what is always true; `dev`, `test` and `production` say what differs."""
