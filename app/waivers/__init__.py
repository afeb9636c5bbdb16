"""Waivers: findings that people accepted, for a scope, a reason and a time."""
