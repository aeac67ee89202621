#!/usr/bin/env bash
# For tests: makes an authority of an operator, and one certificate per node for the cluster port.
# usage: make_certs.sh DIR [HOST...]   (HOST: name or address of a machine; by default localhost and 127.0.0.1)
# Writes DIR/ca.pem, DIR/ca.key, DIR/HOST.pem, DIR/HOST.key. Existing files are kept, so nodes can be added later.
# The first HOST of the first run is the coordinator's machine; all others can only be workers.
# Give each machine ca.pem and its own pair. Keep ca.key where it was made: its holder can admit nodes.
set -euo pipefail
usage() { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }

[ $# -gt 0 ] && [[ $1 != -* ]] || usage
dir=$1; shift
hosts=("$@")
[ ${#hosts[@]} -gt 0 ] || hosts=(localhost)
days=825
umask 077
mkdir -p "$dir"

coordinator=
if [ ! -e "$dir/ca.key" ]; then
  coordinator=${hosts[0]}
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 3650 -subj "/CN=Troupe cluster CA" \
    -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout "$dir/ca.key" -out "$dir/ca.pem" 2>/dev/null
fi

for host in "${hosts[@]}"; do
  [[ $host =~ ^[A-Za-z0-9][A-Za-z0-9.:-]*$ ]] || { echo "make_certs.sh: '$host' is neither a host name nor an address" >&2; exit 2; }
  [ ! -e "$dir/$host.pem" ] || continue
  names=DNS:$host
  [[ $host =~ ^[0-9.]+$ || $host == *:* ]] && names=IP:$host
  [ "$host" != localhost ] || names=$names,IP:127.0.0.1,IP:::1
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -subj "/CN=$host" \
    -keyout "$dir/$host.key" -out "$dir/$host.csr" 2>/dev/null
  # Only the coordinator listens. A worker's certificate is not valid for that, so no worker can pose as coordinator.
  use=clientAuth
  [ "$host" != "$coordinator" ] || use=serverAuth,clientAuth
  openssl x509 -req -in "$dir/$host.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -sha256 -days "$days" \
    -extfile <(printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n%s\nsubjectAltName=%s\n' \
      extendedKeyUsage=$use "$names") -out "$dir/$host.pem" 2>/dev/null
  rm -f "$dir/$host.csr"
done
echo "$dir: ca.pem and $(printf '%s ' "${hosts[@]/%/.pem}")with their keys"
