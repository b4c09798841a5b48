"""Inspection: everything a careful person checks in data before anything is trained on it."""
