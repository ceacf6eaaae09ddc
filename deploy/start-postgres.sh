#!/bin/sh
# Starts PostgreSQL with a password that nobody has to invent: it is made once, for the volume that Engram's
# own services read it from. The database takes it when it is first created.
set -eu
keys=/run/engram
file=$keys/database_password
if [ ! -s "$file" ]; then
    (umask 077 && head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' > "$file.part")
    mv "$file.part" "$file"
fi
# The user of Engram's image.
chown 10001:10001 "$keys" "$file"
chmod 700 "$keys"
POSTGRES_PASSWORD=$(cat "$file")
export POSTGRES_PASSWORD
exec bash /usr/local/bin/docker-entrypoint.sh "$@"
