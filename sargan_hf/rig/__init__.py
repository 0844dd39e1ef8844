"""The expression rig: one neutral portrait becomes a labelled set of seven expressions."""
