"""The one error the engine raises."""


class InvalidTerms(ValueError):  # noqa: N818 - it says what is wrong, as the API's message does
    """Terms, usage or a schedule that cannot be billed as given.

    `field` names the offending field as the API names it, so that a view can answer 400 and point at it.
    """

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.message = message
        self.field = field

    def __reduce__(self) -> tuple[type["InvalidTerms"], tuple[str, str]]:
        return type(self), (self.message, self.field)
