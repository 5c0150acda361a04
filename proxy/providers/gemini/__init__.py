"""Google's Gemini: the Developer API with a key, and Vertex AI."""
