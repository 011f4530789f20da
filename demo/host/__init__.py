"""A stand-in for the seller's own application: a page on another origin that embeds the console. Speaks to Tactus
only over HTTP.
"""
