"""Weights files, the catalogue of models, and the ImageTranslator that applies one to photos."""
