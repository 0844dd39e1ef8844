"""Expression data: loading any source to one schema, splitting by subject, streaming and augmentation."""
