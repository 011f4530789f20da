"""What an override or a balance is meant for: products, tags, group values."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.errors import InvalidTerms

GroupValue = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is being priced or paid: a product with its group values; a subscription with its billing frequency."""

    product_id: str
    tags: frozenset[str] = frozenset()
    pricing: frozenset[GroupValue] = frozenset()
    presentation: frozenset[GroupValue] = frozenset()
    billing_frequency: str | None = None


@dataclass(frozen=True, slots=True)
class Specifier:
    """Conditions that must all hold. `product_tags`: the product has all of them; group values: the usage has these.

    `exclude`: lists of tags; a product that has all tags of any list is not meant after all.
    """

    product_id: str | None = None
    product_tags: frozenset[str] = frozenset()
    pricing_group_values: frozenset[GroupValue] = frozenset()
    presentation_group_values: frozenset[GroupValue] = frozenset()
    billing_frequency: str | None = None
    exclude: tuple[frozenset[str], ...] = ()

    def __post_init__(self) -> None:
        for field in ("pricing_group_values", "presentation_group_values"):
            values = getattr(self, field)
            if values and len(dict(values)) != len(values):
                raise InvalidTerms("a group key has two values", field)
        if any(not tags for tags in self.exclude):
            raise InvalidTerms("an excluding specifier needs product_tags", "exclude")

    @property
    def names_groups(self) -> bool:
        """Whether it depends on group values."""
        return bool(self.pricing_group_values or self.presentation_group_values)

    def may_match(self, product_id: str, tags: frozenset[str]) -> bool:
        """Whether any usage of this product could be meant."""
        return (
            self.product_id in (None, product_id)
            and self.product_tags <= tags
            and not any(excluded <= tags for excluded in self.exclude)
        )

    def matches(self, subject: Subject, *, full: bool = False) -> bool:
        """Whether the subject is meant; with `full`, pricing group values must be all of the subject's, or none."""
        return (
            self.may_match(subject.product_id, subject.tags)
            and self.pricing_group_values <= subject.pricing
            and self.presentation_group_values <= subject.presentation
            and self.billing_frequency in (None, subject.billing_frequency)
            and not (full and self.pricing_group_values and self.pricing_group_values != subject.pricing)
        )


def specifiers_of(product_ids: Iterable[str], tags: Iterable[str]) -> tuple[Specifier, ...]:
    """Any of these products, or any that has one of these tags; a specifier without conditions where none is named."""
    named = [Specifier(product_id=product_id) for product_id in product_ids]
    named += [Specifier(product_tags=frozenset([tag])) for tag in tags]
    return tuple(named) or (Specifier(),)
