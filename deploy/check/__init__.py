"""Runs what the Dockerfile says without a container engine: `python -m deploy.check`."""
