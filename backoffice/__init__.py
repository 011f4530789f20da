"""The back office as a whole: its site, home page, navigation and search, and the pages that show several rooms.

What concerns one room stands in that room's `admin.py`; what needs several of them is wired here, at the top.
"""
