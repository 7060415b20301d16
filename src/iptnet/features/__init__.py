"""From frames and sentences to vectors, each with the recipe that made it."""
