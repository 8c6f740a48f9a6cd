# docker build -t archdsl . && docker run --rm -v "$PWD:/specs" archdsl check .
FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN pip wheel --no-cache-dir --wheel-dir /wheels ".[cpu]"

FROM python:3.11-slim
# git: for `check --against .git#branch=main`; mounted repositories belong to somebody else
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/* \
 && git config --system --add safe.directory '*'
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels "archdsl[cpu]" \
 && useradd --create-home archdsl
USER archdsl
WORKDIR /specs
ENTRYPOINT ["archdsl"]
