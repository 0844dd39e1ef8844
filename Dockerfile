# docker build -t sargan . && docker run --rm -p 7860:7860 sargan
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 sargan
WORKDIR /home/sargan/app
# torch from its CPU index: the default wheel brings gigabytes of CUDA.
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu "torch>=2.9,<2.14"
COPY requirements.txt pyproject.toml README.md LICENSE ./
RUN sed -i '/^torch\b/d' requirements.txt && pip install --no-cache-dir -r requirements.txt
COPY sargan_hf sargan_hf
COPY weights weights
COPY examples examples
COPY app.py ./
USER sargan
ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_TEMP_DIR=/tmp/sargan HF_HUB_DISABLE_TELEMETRY=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/gradio_api/info', timeout=4)"]
CMD ["python", "app.py"]
