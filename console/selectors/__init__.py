"""Reads of the console: who is looking, and what each page and panel shows, as plain rows."""
