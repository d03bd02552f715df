"""What Medtune is deployed with, and what checks it."""
