"""Contracts on the wire."""
