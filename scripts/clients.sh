#!/usr/bin/env bash
# Fetches the S3 clients that the cluster tests work with into a folder outside the repository, as far as they are not here already and
# the machine's package registries have them. Installs nothing into the system. What cannot be had is said, and its test is skipped.
#   scripts/clients.sh
# PREDASTORE_CLIENTS: the folder (default ~/.cache/predastore/clients). CLIENT_SECONDS: patience for each download (default 180).
set -uo pipefail

FOLDER=${PREDASTORE_CLIENTS:-$HOME/.cache/predastore/clients}
SECONDS_EACH=${CLIENT_SECONDS:-180}
mkdir -p "$FOLDER/bin" "$FOLDER/work" "$FOLDER/python"
export PATH=$PATH:$FOLDER/bin:$FOLDER/python/bin PYTHONPATH=$FOLDER/python

have() {
  command -v "$1" > /dev/null
}

# A day's answer is enough: a machine without a network must not wait for it in every run.
tried_today() {
  [[ -n $(find "$FOLDER" -maxdepth 1 -name "tried-$1" -mmin -1440 2> /dev/null) ]]
}

attempt() {
  local name=$1
  shift
  if tried_today "$name"; then
    return
  fi
  : > "$FOLDER/tried-$name"
  "$@" > "$FOLDER/work/$name.log" 2>&1 < /dev/null || true
}

# A Debian package with one program, and the packages whose Python modules it needs: unpacked, not installed.
from_debian() {
  local name=$1 package to=$FOLDER/debian/$1
  have apt-get && have dpkg-deb || return 1
  rm -rf "$to" && mkdir -p "$to" && cd "$to" || return 1
  if ! timeout "$SECONDS_EACH" apt-get download "$@"; then
    # Only root may renew the lists.
    [[ $(id -u) == 0 ]] && timeout "$SECONDS_EACH" apt-get update && timeout "$SECONDS_EACH" apt-get download "$@" || return 1
  fi
  for package in *.deb; do
    dpkg-deb -x "$package" . && rm -f "$package" || return 1
  done
  printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s" "$@"\n' "$to/usr/lib/python3/dist-packages" "$to/usr/bin/$name" > "$FOLDER/bin/$name"
  chmod 755 "$FOLDER/bin/$name"
}

from_python() {
  timeout "$SECONDS_EACH" python3 -m pip install --quiet --target "$FOLDER/python" "$@"
}

from_npm() {
  have npm && timeout "$SECONDS_EACH" npm install --silent --no-audit --no-fund --prefix "$FOLDER/js" @aws-sdk/client-s3 @aws-sdk/lib-storage
}

for name in rclone restic; do
  have "$name" || attempt "$name" from_debian "$name"
done
have s3cmd || attempt s3cmd from_debian s3cmd python3-dateutil python3-six
packages=()
have aws || packages+=(awscli)
have s3cmd || packages+=(s3cmd)
python3 -c 'import boto3' 2> /dev/null || packages+=(boto3)
if ((${#packages[@]} > 0)) && have python3; then
  attempt python from_python "${packages[@]}"
fi
if have node && [[ ! -d $FOLDER/js/node_modules/@aws-sdk/lib-storage ]]; then
  attempt js from_npm
fi

for name in aws rclone restic s3cmd; do
  have "$name" || echo "clients.sh: $name is not here and could not be fetched; its test will be skipped"
done
python3 -c 'import boto3' 2> /dev/null || echo "clients.sh: boto3 is not here; its test will be skipped"
[[ -d $FOLDER/js/node_modules/@aws-sdk/lib-storage ]] || echo "clients.sh: the AWS SDK for JavaScript is not here and could not be fetched; its test will be skipped"
exit 0
