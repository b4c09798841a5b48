"""Published: weights that others trained, read from a file, a folder or a hub, into networks of the same layout."""
