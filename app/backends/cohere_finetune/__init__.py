"""A self-hosted cohere-finetune container as a backend that trains."""
