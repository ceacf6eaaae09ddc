"""The pure core: how a schedule follows from answers. No Django, no clock, randomness only from a seed."""
