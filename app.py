"""The app: `python app.py` on a machine of your own, and what a Hugging Face Space runs."""

from sargan_hf.demo.server import launch, load_page
from sargan_hf.demo.settings import Settings

settings = Settings.from_environment()
demo = load_page(settings)

if __name__ == "__main__":
    launch(demo, settings)
