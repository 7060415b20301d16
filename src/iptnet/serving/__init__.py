"""The page and its HTTP API: one process, one worker, one folder, on this machine by default.

A request never does heavy work on the event loop: videos are encoded by the worker's thread, quick
questions (another length, a sentence) are answered in the thread pool from what is kept encoded.
"""
