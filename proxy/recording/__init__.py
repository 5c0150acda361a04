"""What is heard of requests and answers, and how it is written down without keys and texts."""
