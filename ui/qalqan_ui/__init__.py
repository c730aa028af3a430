"""Qalqan's student chat; it speaks to the gateway over HTTP only."""

import os

# Gradio and the libraries under it read these when they are first imported, so they are set before any module is.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
