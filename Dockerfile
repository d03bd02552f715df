# Two stages: the environment is built from uv.lock, and only that environment is shipped.
# trixie: from Python 3.12 on the job engine needs SQLite 3.42 or newer, which bookworm has not.
# To pin the base: --build-arg PYTHON=python:3.12-slim-trixie@sha256:...
ARG PYTHON=python:3.12-slim-trixie

FROM ${PYTHON} AS build
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
RUN uv sync --locked --no-dev --no-install-project --extra postgres --extra openai --extra telemetry --extra encryption
COPY README.md LICENSE ./
COPY alembic ./alembic
COPY app ./app
RUN uv sync --locked --no-dev --no-editable --extra postgres --extra openai --extra telemetry --extra encryption

FROM ${PYTHON}
LABEL org.opencontainers.image.title="Medtune" \
      org.opencontainers.image.description="Fine-tune and serve biomedical extraction models" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
# Nothing is installed in a container, so it needs no installer.
RUN pip uninstall --yes --quiet --root-user-action=ignore pip \
    && groupadd --gid 10001 medtune \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --home-dir /data \
        --shell /usr/sbin/nologin medtune \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /opt/medtune /opt/medtune
# The root file system may be read-only: nothing is written but in /data and /tmp.
ENV PATH=/opt/medtune/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/data \
    MEDTUNE_DATA_DIR=/data
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["medtune", "serve", "--host", "0.0.0.0", "--port", "8000"]
