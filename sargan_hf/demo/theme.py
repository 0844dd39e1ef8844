"""The look: system fonts (nothing is fetched from elsewhere), one accent colour, light and dark."""

from pathlib import Path

import gradio as gr

STYLE = Path(__file__).parent / "assets" / "style.css"
NAMES = Path(__file__).parent / "assets" / "names.js"


def theme() -> gr.themes.Base:
    """Warm greys like a plaster cast, and a violet accent that carries white text in both modes."""
    return gr.themes.Soft(
        primary_hue=gr.themes.colors.violet,
        secondary_hue=gr.themes.colors.violet,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_lg,
        font=["Inter", "ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"],
    ).set(
        body_background_fill="#f6f4f1",
        body_background_fill_dark="#141211",
        block_border_width="1px",
        block_shadow="none",
        block_shadow_dark="none",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
    )
