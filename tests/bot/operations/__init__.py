"""Tests of the operators' actions."""
