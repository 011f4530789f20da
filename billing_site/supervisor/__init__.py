"""Runs Tactus in the foreground: embedded PostgreSQL and Valkey where none are given, web server, worker and beat.

    __main__     `python -m billing_site.supervisor`, behind `make run`
    keeper       holds the embedded servers for as long as some manage.py command or test session needs them
    session      how a command finds those servers, or gets a keeper started
    place        which account the servers run under, and where their data and sockets may lie
    postgres, valkey    how to initialise, start and test each server
    children     one process: start, stop, start again after a death, with back-off
    launch       what a child does before it becomes its program: new account, die with the parent
    watchdog     ends everything when the supervisor itself is killed

Nothing here imports Django.
"""
