# One image for all programs: the command names the one to run (api-gateway unless told otherwise).
#   docker build -t bizosaas/data-sync:latest .
#   docker run ... bizosaas/data-sync:latest worker --platform coreldove
FROM debian:trixie-slim AS build
WORKDIR /src
COPY tools/deps tools/deps
RUN tools/deps --build
COPY . .
RUN make -j"$(nproc)" all && make install DESTDIR=/out
# The packages that hold the libraries which the programs are linked with, whatever Debian calls them in this release.
RUN ldd /out/usr/libexec/data-sync/* /out/usr/bin/syncctl | awk '$2 == "=>" { print $1 }' | sort -u | sed 's|^|*/|' | \
    xargs dpkg-query -S | cut -d: -f1 | sort -u > /out/packages

FROM debian:trixie-slim
COPY --from=build /out/packages /tmp/packages
RUN apt-get update && \
    DEBIAN_FRONTEND=noninteractive xargs apt-get install -y --no-install-recommends ca-certificates curl < /tmp/packages && \
    rm -rf /var/lib/apt/lists/* /tmp/packages && \
    useradd --system --uid 10025 --no-create-home --shell /usr/sbin/nologin data-sync
COPY --from=build /out/usr /usr
ENV PATH=/usr/libexec/data-sync:/usr/local/bin:/usr/bin:/bin \
    PLATFORM_DIR=/usr/share/data-sync/platforms \
    ENVIRONMENT=production \
    LISTEN_ADDR=0.0.0.0:8025 \
    LOG_FORMAT=json
USER data-sync
EXPOSE 8025
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD curl -f http://localhost:8025/health || exit 1
CMD ["api-gateway"]
