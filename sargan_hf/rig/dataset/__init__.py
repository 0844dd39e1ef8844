"""From a folder of portraits to a data set: what to render, the processes that do it, shards, card and sheets."""
