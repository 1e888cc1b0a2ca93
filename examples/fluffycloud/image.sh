#!/usr/bin/env bash
# Makes the image of FluffyCloud's machines (--machines docker): Debian with sshd and a Docker Engine.
# From Debian's packages, because no image may be there to start from. Takes half a minute; does nothing when the
# image is there and was made by this script as it is now. Needs root, apt and a Docker Engine.
set -euo pipefail
cd "$(dirname "$0")"

image=fluffycloud/machine:latest
content=$(cat image.sh image/fluffy-init | sha256sum | cut -c1-16)
if [ "$(docker image inspect --format '{{index .Config.Labels "fluffycloud.content"}}' "$image" 2>/dev/null)" = "$content" ]; then
  echo "image $image is there"
  exit 0
fi

if ! command -v mmdebstrap >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  apt-get install -y -q --no-install-recommends mmdebstrap
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --mode=root --variant=apt \
  --include=openssh-server,docker.io,iptables,ca-certificates,curl,procps,iproute2,kmod \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook="copy-in image/fluffy-init /sbin" \
  --customize-hook='rm -f "$1"/etc/ssh/ssh_host_*' \
  --customize-hook='printf "HostKey /etc/ssh/ssh_host_ed25519_key\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nUseDNS no\nPrintMotd no\n" >"$1/etc/ssh/sshd_config.d/fluffy.conf"' \
  bookworm "$work/root.tar"

docker import \
  --change 'ENTRYPOINT ["/sbin/fluffy-init"]' \
  --change 'VOLUME /var/lib/docker' \
  --change "LABEL fluffycloud.content=$content" \
  "$work/root.tar" "$image" >/dev/null
echo "image $image is made"
