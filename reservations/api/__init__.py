"""Invoices on the wire, and the balances that they draw."""
