"""Listeners of a run's events. They know the dag's events and records, and no step knows them."""
