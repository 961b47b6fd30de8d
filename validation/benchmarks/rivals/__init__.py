"""The peers, one file each, on the three problems of ``problems.py``."""
