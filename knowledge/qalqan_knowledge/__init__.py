"""Qalqan's library: national content, kept locally in Qdrant, found in Kazakh and cited."""
