"""Reads of reservations."""
