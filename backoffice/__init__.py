"""The back office as a whole: its site, home page, navigation and search, and the pages that show several apps.

What concerns one app stands in that app's `admin.py`; what needs several of them is wired here, at the top.
"""
