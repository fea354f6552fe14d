"""The words of the field: hours, respondents, routes, series, the canonical table. Knows no DAG."""
