"""The command line. No torch is imported before a command needs it."""
