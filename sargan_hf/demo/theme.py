"""The look: a font that gradio ships (nothing is fetched from elsewhere), one accent colour, light and dark."""

import json
from pathlib import Path

from gradio import themes

STYLE = Path(__file__).parent / "assets" / "style.css"
FAVICON = Path(__file__).parent / "assets" / "favicon.svg"
SCRIPTS = Path(__file__).parent / "assets"
LANGUAGE = "language-"  # and the two letters of one: assets/language-de.json


def page_script() -> str:
    """What runs once the page is there: names for what gradio leaves nameless, and the visitor's language."""
    tables = {
        path.stem.removeprefix(LANGUAGE): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(SCRIPTS.glob(f"{LANGUAGE}*.json"))
    }
    names, language = ((SCRIPTS / name).read_text(encoding="utf-8") for name in ("names.js", "language.js"))
    return f"() => {{ ({names.strip()})(); ({language.strip()})({json.dumps(tables)}); }}"


def theme() -> themes.Base:
    """Warm greys like a plaster cast, and a violet accent that carries white text in both modes."""
    return themes.Soft(
        primary_hue=themes.colors.violet,
        secondary_hue=themes.colors.violet,
        neutral_hue=themes.colors.stone,
        radius_size=themes.sizes.radius_lg,
        font=[themes.LocalFont("Source Sans Pro", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"],
    ).set(
        body_background_fill="#f6f4f1",
        body_background_fill_dark="#141211",
        block_border_width="1px",
        block_shadow="none",
        block_shadow_dark="none",
        # Labels are words, not pills; every grey and violet keeps 4.5 to 1 to what is behind it (tests/demo/test_app_axe.py).
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_100",
        block_title_background_fill="none",
        block_title_background_fill_dark="none",
        block_title_padding="0",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_label_background_fill="*background_fill_primary",
        block_label_background_fill_dark="*background_fill_primary",
        checkbox_label_background_fill_selected="*primary_600",
        checkbox_label_background_fill_selected_dark="*primary_600",
        checkbox_background_color_selected="*primary_800",
        checkbox_background_color_selected_dark="*primary_800",
        checkbox_border_color="*neutral_500",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_text_color_hover_dark="white",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
    )
