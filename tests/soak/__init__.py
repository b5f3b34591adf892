"""What is run for hours rather than seconds; the tests hold a short version of each."""
