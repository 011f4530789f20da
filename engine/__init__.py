"""The maths of billing: pure functions over frozen dataclasses.

No Django, no I/O, no clock, no floats. Instants are aware datetimes in UTC, periods are half-open `[start, end)`,
amounts and quantities are `decimal.Decimal`. Constructors validate and raise `engine.errors.InvalidTerms`, so the
functions have no error branches. The rules are written out with worked tables in docs/algorithms/.
"""
