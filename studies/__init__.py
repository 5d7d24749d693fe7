"""Experiments on real recordings, each with the page it writes."""
