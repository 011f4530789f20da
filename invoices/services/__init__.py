"""Writes of invoices: one module per verb."""
