"""In workers that a test starts with this folder on their path, the fake model takes the place of
the real one: no torch, no second to wait.
"""

import sys

# Our own workers, and those of Ray.
if any(a == "iptnet.scale.worker" or a.endswith("default_worker.py") for a in sys.orig_argv):
    import iptnet.api
    import iptnet.results
    from tests.scale.fakes import FakeModel, no_pictures

    iptnet.api.load = lambda **_: FakeModel()
    iptnet.results.thumbnails = no_pictures
