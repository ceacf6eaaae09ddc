# One image for web server, worker, beat and migrations; docker-compose.yml says who runs what.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
# Without pip inside: the image that is made of this can install nothing.
RUN python -m venv --without-pip /venv
COPY requirements.lock ./
RUN pip --python /venv/bin/python install --no-compile --require-hashes -r requirements.lock
COPY config/__init__.py config/fonts.py config/
# What only the fonts are made with stays behind.
RUN /venv/bin/python -m config.fonts \
    && pip --python /venv/bin/python uninstall --yes fonttools fontpkg-inter fontpkg-source-serif-4 ziamath ziafont
COPY . .
# Static files get their hashes and their compressed twins here. The settings ask for a database and a key,
# which are used for nothing. Bytecode is made now, as the file system is read-only later.
RUN rm requirements.lock \
    && VAR_DIR=/srv/engram DATABASE_URL=postgres://none SECRET_KEY=none BASE_URL=http://localhost \
       /venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && /venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /venv/lib /app

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Engram" \
      org.opencontainers.image.description="Spaced repetition for AI, machine-learning and MLOps interviews" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VAR_DIR=/srv/engram
# /run/engram is where a volume with secrets goes, which then belongs to our user.
RUN groupadd --system --gid 10001 engram \
    && useradd --system --no-log-init --uid 10001 --gid engram --home-dir /tmp --shell /usr/sbin/nologin engram \
    && install --directory --owner engram --group engram --mode 700 /run/engram
COPY --from=build /venv /venv
COPY --from=build /srv/engram /srv/engram
COPY --from=build /app /app
WORKDIR /app
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-m", "config.probing", "web"]
CMD ["gunicorn", "config.wsgi:application", "--config", "python:config.gunicorn_hooks", \
     "--worker-class", "config.web_worker.DrainingWorker", \
     "--bind", "0.0.0.0:8000", "--threads", "4", "--timeout", "60", "--graceful-timeout", "25", \
     "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
