"""A run's record and events as one page that needs nothing else. It knows the dag's events and records."""
