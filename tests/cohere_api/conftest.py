"""What the tests of Cohere's API share."""

from tests.cohere_api.serving import co, co2, served, tuned, url

__all__ = ["co", "co2", "served", "tuned", "url"]
