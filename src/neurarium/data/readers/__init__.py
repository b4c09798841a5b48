"""Readers: from files, frames and arrays as people have them to a `Dataset`."""
