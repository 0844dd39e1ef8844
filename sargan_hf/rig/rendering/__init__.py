"""Renders a fitted face under expressions, with exact motion."""
