# Serves a checkpoint, over HTTP or on Discord. At the top of the checkout:
#
#     docker build --tag review-concierge .
#
# With PyTorch, so that /train and `review-concierge start` work; that image has gigabytes:
#
#     docker build --build-arg TRAINING=yes --tag review-concierge .

FROM python:3.11-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /src
RUN python -m venv --without-pip /opt/venv

# The files list everything with its SHA-256, so no dependency is resolved. They come first: a change
# of the code alone uses the cached layer.
COPY requirements-serve.txt ./
RUN pip --python /opt/venv/bin/python install --require-hashes --no-deps --only-binary :all: \
    --requirement requirements-serve.txt

ARG TRAINING=no
COPY requirements.txt requirements-torch.txt ./
RUN if [ "$TRAINING" = yes ]; then \
        pip --python /opt/venv/bin/python install --require-hashes --no-deps \
            --requirement requirements-torch.txt \
        && pip --python /opt/venv/bin/python install --require-hashes --no-deps \
            --requirement requirements.txt; \
    fi

COPY constraints.txt pyproject.toml README.md LICENSE responses.yaml ./
COPY bot bot
COPY trainer trainer
RUN PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
    pip --python /opt/venv/bin/python install --no-deps .


FROM python:3.11-slim-bookworm

LABEL org.opencontainers.image.title="Review Concierge" \
      org.opencontainers.image.description="A customer-service chatbot for film reviews" \
      org.opencontainers.image.licenses="MIT"

# Numbers, so that an orchestrator can check that the user is not root.
RUN groupadd --gid 10001 concierge \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data \
        --shell /usr/sbin/nologin concierge \
    && install --directory --owner concierge --group concierge --mode 700 \
        /data /data/checkpoints /data/state

COPY --from=build /opt/venv /opt/venv
COPY deploy/healthcheck.py /opt/healthcheck.py

# Only /data and /tmp are written to, so the root file system can be read-only. On an address that
# others can reach, the server starts only if there is a key: review-concierge http-key add NAME
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HTTP_HOST=0.0.0.0 \
    HTTP_PORT=8000 \
    LOG_FORMAT=json

USER 10001:10001
# Checkpoints, state/ with the database and the keys, and responses.yaml if you have your own.
WORKDIR /data
VOLUME /data
EXPOSE 8000

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "/opt/healthcheck.py"]

ENTRYPOINT ["review-concierge"]
CMD ["http"]
