"""`sargan edit`: many pictures, once each, on one machine or several."""
