"""Cohere's API: its own, and every server that speaks it. The only room that knows the SDK."""
