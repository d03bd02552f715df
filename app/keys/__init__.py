"""Keys: who may ask the service, for what, and in which workspace."""
