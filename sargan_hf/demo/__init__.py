"""The app in the browser: `sargan demo`, `python app.py`, and the same page as a Space."""
