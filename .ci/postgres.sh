#!/usr/bin/env bash
# Installs Debian's PostgreSQL on a bare machine. Only its programs are needed: tests make and start
# databases of their own (packages/store/src/testing/postgres-server.ts).
set -euo pipefail

if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  # Without it, the package would make a database for the whole machine and start it.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    printf 'create_main_cluster = false\n' >/etc/postgresql-common/createcluster.conf
  apt-get install -y -q --no-install-recommends postgresql
fi
for initdb in /usr/lib/postgresql/*/bin/initdb; do "$initdb" --version; done
