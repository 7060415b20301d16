"""From an importance map to decisions: keyshots and moments."""
