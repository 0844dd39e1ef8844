"""Portraits as the rig takes them in: read, freed of a colour cast, fitted, and morphed into new people."""
