"""Voices that run in a process of their own: GPL programs which a user installed and named.

Nothing of them is imported here or in any other module of the product. The scripts `espeak_child` and
`piper_child` run in a child process, which `child` talks to over pipes.
"""
