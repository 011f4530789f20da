"""The SVG kit: geometry as plain text in frozen dataclasses, drawn by templates/components; beside each a table that
says the same.
"""
