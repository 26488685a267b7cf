"""A development Functions host: runs `function_app.py` unchanged, with the semantics of the one in Azure.

What is kept, and from where, is said in the module of each trigger; what differs is in `README.md` beside this file.
"""
