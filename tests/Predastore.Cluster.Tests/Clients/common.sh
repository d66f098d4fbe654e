# shellcheck shell=bash
# What the rounds of the command line clients share. Sourced by them, in a folder of their own, with
# S3_ENDPOINT, S3_HOST (host:port), S3_CA, S3_BUCKET, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION set.
set -euo pipefail
# What whoever runs the tests has set for their own stores must not reach into these.
unset AWS_CA_BUNDLE AWS_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 SSL_CERT_FILE REQUESTS_CA_BUNDLE
trap 'echo "$(basename "$0"): line $LINENO failed: $BASH_COMMAND" >&2' ERR

fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# A tree with what paths may hold: spaces, plus, percent, non-ASCII, an empty file, one below and one above a part's size.
make_tree() {
  mkdir -p "$1/sub/deeper" "$1/with space"
  head -c 100000 /dev/urandom > "$1/plain.bin"
  head -c 7000000 /dev/urandom > "$1/sub/large.bin"
  head -c 12000000 /dev/urandom > "$1/sub/larger.bin"
  : > "$1/sub/empty"
  echo plus > "$1/a+b=c&d.txt"
  echo percent > "$1/100%.txt"
  echo unicode > "$1/sub/deeper/grün-日本.txt"
  echo space > "$1/with space/file name (1).txt"
  # A client that compares times must see one that is not now.
  find "$1" -type f -exec touch -d '2024-02-29 12:34:56' {} +
}
