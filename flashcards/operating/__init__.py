"""How the servers do: what is counted while they work, kept for a while, and read by staff and monitors."""
