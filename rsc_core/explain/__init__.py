"""Where a model reads from, and what its decision rests on."""
