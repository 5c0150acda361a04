"""From a checked request to the deltas of its answer: decisions, attempts, the pump, filters. No HTTP, no vendor."""
