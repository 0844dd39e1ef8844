"""How good is a model: readability, identity, fidelity, background, linearity, each with n, seed and an interval."""
