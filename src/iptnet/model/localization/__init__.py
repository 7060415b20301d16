"""The moment localization module, part by part (METHOD.md, LM).

Nothing is imported here: asking a trained localizer needs no torch (:mod:`.plain`).
"""
