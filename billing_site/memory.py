"""How often Python looks for reference cycles in processes that live long."""

import gc

YOUNG_OBJECTS = 50_000
OLDER_GENERATIONS = 20


def settle_memory() -> None:
    """Call once, when everything is imported: what is there now is never looked through again, the rest less often.

    An invoice of 2,000 lines makes some hundred thousand objects and no cycles; at Python's own threshold of 700
    a fifth of its time goes into looking for some (`python -m bench rating`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, OLDER_GENERATIONS, OLDER_GENERATIONS)
