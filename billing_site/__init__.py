"""Composition root: settings, routes, the Celery application and the supervisor that runs everything."""
