"""Which model the local commands use: the one the environment gives access to, rules, or a scripted server."""
