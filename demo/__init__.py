"""The demo: a believable company, its customers, and some months of what they used and were billed.

    story      who they are, what is sold, at which prices: plain data
    habits     how much each customer uses when, as events
    grants     its commits and credits
    load       puts the story into the database, living through its months day by day
    traffic    goes on from there, over HTTP

Part of the composition root, because it uses every app. Nothing depends on it.
"""
