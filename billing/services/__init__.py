"""Every write of what is accruing: one module per verb."""
