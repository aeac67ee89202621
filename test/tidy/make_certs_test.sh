#!/usr/bin/env bash
# scripts/make-certs makes a CA that its nodes, and no others, verify against; running it again adds nodes and changes
# nothing.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "make_certs_test: $*" >&2; exit 1; }

"$root/scripts/make-certs" "$dir/a" node-1 10.0.0.7 >/dev/null
"$root/scripts/make-certs" "$dir/b" node-1 >/dev/null
serves() { openssl verify -CAfile "$dir/a/ca.pem" -purpose sslserver "$dir/a/$1.pem" >/dev/null 2>&1; }
serves node-1 || fail "the first node cannot be the coordinator"
! serves 10.0.0.7 || fail "a worker can pose as the coordinator"
for host in node-1 10.0.0.7; do
  openssl verify -CAfile "$dir/a/ca.pem" -purpose sslclient "$dir/a/$host.pem" >/dev/null || fail "$host is no client"
  [ "$(openssl pkey -in "$dir/a/$host.key" -pubout)" = "$(openssl x509 -in "$dir/a/$host.pem" -noout -pubkey)" ] \
    || fail "key and certificate of $host do not belong together"
done
openssl x509 -in "$dir/a/10.0.0.7.pem" -noout -checkip 10.0.0.7 >/dev/null || fail "no address in the certificate"
! openssl verify -CAfile "$dir/b/ca.pem" "$dir/a/node-1.pem" >/dev/null 2>&1 || fail "a foreign CA's node is accepted"
[ "$(find "$dir/a" -perm /077 -type f)" = "" ] || fail "others can read the keys"

before=$(cat "$dir"/a/ca.* "$dir"/a/node-1.* | sha256sum)
"$root/scripts/make-certs" "$dir/a" node-1 >/dev/null
[ "$before" = "$(cat "$dir"/a/ca.* "$dir"/a/node-1.* | sha256sum)" ] || fail "a second run changed what exists"
"$root/scripts/make-certs" "$dir/a" node-2 >/dev/null
! serves node-2 || fail "a node of a later run can pose as the coordinator"
! "$root/scripts/make-certs" "$dir/a" '../x' 2>/dev/null || fail "a host name with a path is accepted"
