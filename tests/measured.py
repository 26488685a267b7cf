"""What a test measures is a property of this name; the run's summary prints it."""

MEASURED = "measured"
