"""Batches of deltas -> batches of deltas: what is done to every answer, whichever provider it comes from.

A filter is a generator that passes an empty batch on as an empty batch: it is a sign of life.
"""
