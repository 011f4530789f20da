"""What of the API is about charges: schedules, as inputs and outputs of contracts and commits."""
