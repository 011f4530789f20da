"""Settings: `base` holds what is always true; `dev`, `test` and `production` say what differs. Every value of ours comes from the environment."""
