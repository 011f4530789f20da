"""Runs Tactus in the foreground: embedded PostgreSQL and Valkey where none are given, web server, worker and beat.

    __main__, supervisor    `python -m supervisor`, behind `make run`: start, watch, stop
    prepare                 migrations, demo data, logins and API key, before the web server starts
    programs                how web server, worker, beat and the demo's parts are started
    keeper                  holds the embedded servers while a manage.py command or a test session needs them
    session                 how such a command finds those servers, or gets a keeper started
    temporary               a whole Tactus for the length of one test
    reset                   `make reset`
    place                   which account the servers run under, and where their data and sockets may lie
    postgres, valkey        how to initialise, start and test each server
    children                one process: start, stop, start again after a death, with back-off
    launch                  what a child does before it becomes its program: new account, die with the parent
    watchdog                ends everything when the supervisor itself is killed

Only `prepare` imports Django.
"""
