"""A local web page over the journal: runs, a run at work, its report, and what differs between two."""
