"""Weights files, the catalogue of models, and the Translator that applies one to photos."""
