"""Planning: what is decided before the first step, from the source that a person named to the rate."""
