"""From frame vectors and a sentence to ranked moments: maps, candidates, evidence, confidence."""
