"""Whole experiments put to the test: verdicts that must come out one way, and numbers that must agree."""
