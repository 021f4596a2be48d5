# The one image of every process of ours in docker-compose.yaml and on Kubernetes.
# Everything is installed as a wheel with its hash, so neither stage ever holds a compiler; what `pip` needs stays behind.
FROM python:3.12.12-slim-bookworm AS installed
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.txt requirements-s3.txt /tmp/
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --require-hashes --only-binary :all: \
        -r /tmp/requirements.txt -r /tmp/requirements-s3.txt \
    # What pyproject.toml declares as the script `sobank`; the package itself is found by PYTHONPATH.
    && printf '#!/opt/venv/bin/python\nfrom sobank.cli import main\n\nraise SystemExit(main())\n' > /opt/venv/bin/sobank \
    && chmod 755 /opt/venv/bin/sobank

FROM python:3.12.12-slim-bookworm
# The user and group that Airflow's Helm chart expects; nobody else is in group 0.
RUN useradd --uid 50000 --gid 0 --home-dir /opt/airflow --no-create-home --shell /usr/sbin/nologin sobank \
    && install -d -o sobank -g root -m 0770 /opt/airflow /srv/sobank /var/log/airflow /scratch
COPY --from=installed /opt/venv /opt/venv
# Owned by root: no process of ours can change what it runs.
COPY pyproject.toml /opt/sobank/
COPY data_contracts /opt/sobank/data_contracts
COPY deploy/init.sh /opt/sobank/deploy/init.sh
COPY deploy/bucket.py /opt/sobank/deploy/bucket.py
COPY deploy/first_user.py /opt/sobank/deploy/first_user.py
COPY include /opt/sobank/include
COPY plugins /opt/sobank/plugins
COPY dags /opt/sobank/dags
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/sobank/include \
    AIRFLOW_HOME=/opt/airflow \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
RUN python -m compileall -q /opt/sobank/include /opt/sobank/plugins /opt/sobank/dags
WORKDIR /opt/sobank
USER 50000:0
# Nothing runs by default: docker-compose.yaml and the Helm chart say what each container is.
CMD ["sobank", "--help"]
