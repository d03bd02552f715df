"""What the commands do that ask a service: over HTTP, as any client."""
