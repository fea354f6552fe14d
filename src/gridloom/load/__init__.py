"""The hourly table to tensors: long to wide, calendar, statistics, files, and windows over them.

What needs NumPy or MLX is imported when it is called, so that a plan needs neither.
"""
