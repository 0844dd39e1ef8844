"""Many pictures, once each, on one machine or several: what to edit, where to, and what is done."""
