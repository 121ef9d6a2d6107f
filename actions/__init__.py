"""Kefu's custom actions: what the bot does between two sentences, and the review behind it."""
