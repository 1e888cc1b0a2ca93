#!/usr/bin/env bash
# Brings a Docker Engine up on a bare machine and puts one small image into it.
# No image can be pulled where tests run, so the image is made of Debian's static busybox.
set -euo pipefail

if ! command -v dockerd >/dev/null 2>&1 || ! command -v busybox >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  apt-get install -y -q --no-install-recommends docker.io iptables busybox-static
fi

if ! docker version --format '{{.Server.Version}}' >/dev/null 2>&1; then
  # An engine that was killed leaves the file of its process id, and the number may be another process's by now.
  pgrep -x dockerd >/dev/null 2>&1 || rm -f /var/run/docker.pid /var/run/docker/containerd/containerd.pid
  log=$(mktemp /tmp/dockerd.XXXXXX.log)
  # A session of its own: the engine must not die with the shell that started it.
  setsid dockerd >"$log" 2>&1 </dev/null &
  for _ in $(seq 1 120); do
    docker version --format '{{.Server.Version}}' >/dev/null 2>&1 && break
    sleep 0.5
  done
  docker version --format '{{.Server.Version}}' >/dev/null 2>&1 || { echo "dockerd did not come up; its log:"; tail -n 40 "$log"; exit 1; }
fi

if ! docker image inspect berth-test/busybox:latest >/dev/null 2>&1; then
  root=$(mktemp -d)
  mkdir -p "$root"/{bin,etc,tmp,root,proc,sys,dev,usr/bin,home/app,work}
  cp "$(command -v busybox)" "$root/bin/busybox"
  for applet in $("$root/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"
  done
  printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\napp:x:1000:\n' >"$root/etc/group"
  chmod 1777 "$root/tmp"
  tar -C "$root" -c . | docker import --change 'ENV PATH=/usr/bin:/bin' - berth-test/busybox:latest >/dev/null
  rm -rf "$root"
fi
echo "docker $(docker version --format '{{.Server.Version}}') is up, image berth-test/busybox is there"
