"""The app: `python app.py` on a machine of your own, and what a Hugging Face Space runs."""

from sargan_hf.demo.shared_heap import share_heap

share_heap()  # before torch and gradio, whose threads would make heaps of their own

from sargan_hf.demo.server import launch, load_page  # noqa: E402
from sargan_hf.demo.settings import Settings  # noqa: E402

settings = Settings.from_environment()
demo = load_page(settings)

if __name__ == "__main__":
    launch(demo, settings)
