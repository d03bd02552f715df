# Two stages: the environment is built from uv.lock, and only that environment is shipped.
# trixie: from Python 3.12 on the job engine needs SQLite 3.42 or newer, which bookworm has not.

FROM python:3.12-slim-trixie AS build
ARG UV_VERSION=0.13.9
RUN pip install --no-cache-dir --disable-pip-version-check uv==${UV_VERSION}
ENV UV_PROJECT_ENVIRONMENT=/opt/medtune \
    UV_PYTHON=/usr/local/bin/python3 \
    UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1
WORKDIR /build
# Dependencies first: this layer stays as it is while only our own code changes.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --no-install-project --extra postgres --extra openai
COPY README.md LICENSE ./
COPY alembic ./alembic
COPY app ./app
RUN uv sync --locked --no-dev --no-editable --extra postgres --extra openai

FROM python:3.12-slim-trixie
RUN useradd --system --uid 10001 --home-dir /data --no-create-home medtune \
    && install --directory --owner=medtune --group=medtune --mode=0700 /data
COPY --from=build /opt/medtune /opt/medtune
ENV PATH=/opt/medtune/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MEDTUNE_DATA_DIR=/data
USER medtune
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["medtune", "serve", "--host", "0.0.0.0", "--port", "8000"]
