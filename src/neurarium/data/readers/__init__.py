"""Readers: from files, frames and arrays as people have them to raw columns, texts and pixels; nothing is fitted here."""
