"""From the EIA API to landed raw pages: planner, client, limiter, store, and the stand-in server."""
