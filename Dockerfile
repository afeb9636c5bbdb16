# Clearance as a container: everything from the lock by hash, and a user without rights.
# Build: docker build -t clearance .      Run: see deploy/compose.yaml
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
WORKDIR /build
RUN python -m venv /opt/clearance
ENV PATH=/opt/clearance/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# The packages change less often than the code, so they are a layer of their own. The lock is
# complete, so pip need not resolve; it holds what building needs (hatchling) too, so that the
# last step downloads nothing.
COPY deploy/requirements.lock ./
RUN pip install --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY app ./app
COPY gates ./gates
COPY migrations ./migrations
RUN pip install --no-deps --no-build-isolation ".[all]"

FROM python:${PYTHON}-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home clearance
COPY --from=build /opt/clearance /opt/clearance
ENV PATH=/opt/clearance/bin:$PATH PYTHONUNBUFFERED=1 CLEARANCE_DATABASE_URL=sqlite:////data/clearance.db
USER clearance
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["clearance"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
