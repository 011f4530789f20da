"""Which rooms keep parts of contracts (contracts/parts.py)."""

CONTRACT_PARTS: list[str] = ["balances.contract_part.BalancesPart"]
