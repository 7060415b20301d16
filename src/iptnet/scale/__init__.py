"""Archives: many videos, resumable, in shares, on the processes of this machine or of a cluster."""
