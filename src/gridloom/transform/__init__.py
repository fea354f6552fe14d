"""Raw pages to the hourly table: parse, resolve duplicates, complete the hours, check, write."""
