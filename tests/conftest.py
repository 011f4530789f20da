"""Fixtures for every test. Servers are started by tests/plugins/servers.py."""
