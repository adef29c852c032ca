# The server alone: runtime packages by their hashes, the shipped policies in /policies, no shell tools needed,
# an unprivileged user.
FROM python:3.13-slim AS packages
COPY requirements/runtime.txt /tmp/runtime.txt
RUN python -m venv /opt/gatekeeper \
    && /opt/gatekeeper/bin/pip install --no-cache-dir --require-hashes -r /tmp/runtime.txt

FROM python:3.13-slim
COPY --from=packages /opt/gatekeeper /opt/gatekeeper
COPY gatekeeper_py /opt/app/gatekeeper_py
COPY webhooks /opt/app/webhooks
COPY policies /opt/app/policies
COPY policies /policies
ENV PATH=/opt/gatekeeper/bin:$PATH PYTHONPATH=/opt/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=2
USER 65532:65532
EXPOSE 8443
ENTRYPOINT ["python", "-m", "gatekeeper_py"]
CMD ["serve", "--policies", "/policies", "--tls-cert", "/tls/tls.crt", "--tls-key", "/tls/tls.key", "--host", "0.0.0.0"]
