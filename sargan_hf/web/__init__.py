"""The editor for browsers: a trained model as graphs that do a whole edit, and the folder that a file server shows."""
