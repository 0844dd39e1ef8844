"""The `sargan` command: one file for each sub-command, with its options and its output; the work is done elsewhere."""
