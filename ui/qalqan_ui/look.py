"""The page's colours and letters as a Gradio theme. The rest of its look is in static/page.css."""

from __future__ import annotations

from gradio.themes import Base
from gradio.themes.utils.colors import Color
from gradio.themes.utils.fonts import Font, LocalFont

STEPPE = Color("#eef7f7", "#d8ecec", "#b4dadb", "#84c0c3", "#4e9fa4", "#2c8288", "#136a70", "#0f5a60", "#0e484d",
               "#0d3c40", "#072629", name="steppe")  # fmt: skip
STONE = Color("#f8f9f7", "#eff1ee", "#e0e4e0", "#c8cfca", "#939d98", "#6a7570", "#4d5854", "#38423f", "#232c2b",
              "#182020", "#0f1616", name="stone")  # fmt: skip


def theme() -> Base:
    """Teal on stone, light and dark, in IBM Plex Sans from Gradio's own package.

    Only its 400 and 700 weights hold Cyrillic; the 600 that Gradio would take by itself has Latin letters alone.
    """
    plex = LocalFont("IBM Plex Sans", weights=(400, 700))
    mono = [Font(name) for name in ("ui-monospace", "Consolas", "monospace")]
    base = Base(
        primary_hue=STEPPE,
        secondary_hue=STEPPE,
        neutral_hue=STONE,
        font=[plex, Font("system-ui"), Font("sans-serif")],
        font_mono=mono,
        text_size="lg",
        radius_size="lg",
    )
    return base.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_300",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_200",
        button_primary_text_color="white",
        button_primary_text_color_dark="*primary_950",
        button_secondary_background_fill="white",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover="*primary_50",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_cancel_background_fill="white",
        button_cancel_background_fill_dark="*neutral_800",
        button_cancel_text_color="*neutral_900",
        button_cancel_text_color_dark="*neutral_100",
        input_background_fill="white",
        input_background_fill_dark="*neutral_900",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
    )
