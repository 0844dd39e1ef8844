"""Training of both networks: settings, batches, objectives, checkpoints and the loop."""
