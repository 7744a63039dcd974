"""Figures that tests compare with, each computed in another way: numpy, scipy, statsmodels or plain Python.

Belongs here: pure functions, what they compute on, and comparisons of rows with them. Does not belong here: SQL,
Dagster, files, or a figure taken from the code under test.
"""
