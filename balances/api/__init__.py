"""Commits and credits on the wire: what writes them. What reads them live stands with the invoices that draw them."""
