"""`/v1/billable-metrics`, `/v1/contract-pricing` and `/v1/credit-types` on the wire."""
