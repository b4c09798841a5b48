"""Report: pictures and pages for people."""
