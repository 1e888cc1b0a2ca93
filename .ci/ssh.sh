#!/usr/bin/env bash
# Installs OpenSSH's server on a bare machine. Tests start it themselves, on a port and with keys of their own.
set -euo pipefail

if [ ! -x /usr/sbin/sshd ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  apt-get install -y -q --no-install-recommends openssh-server
fi
mkdir -p /run/sshd
echo "$(ssh -V 2>&1), sshd is there"
