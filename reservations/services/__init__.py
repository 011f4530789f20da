"""Every write of reservations."""
