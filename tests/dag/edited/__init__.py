"""A user's pipeline, which tests copy, run, edit at one place, and run again."""
