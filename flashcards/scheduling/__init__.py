"""The pure core: how one card's schedule follows from its answers. No Django, no clock, no randomness."""
