#!/bin/bash
# --rate bounds what a snapshot reads of both engines and of files together, whatever --jobs is. Only
# that it takes long enough is looked at: a slow machine cannot fail it.
. "$(dirname "$0")/lib.sh"
e2e_begin rate
pg_start
my_start
mkdir "$T/tree"
head -c 8388608 /dev/urandom >"$T/tree/large"
pg_sql postgres -c 'CREATE TABLE t (id int PRIMARY KEY, v text)' \
    -c "INSERT INTO t SELECT g, repeat(md5(g::text), 32) FROM generate_series(1, 8192) g" || die "cannot fill"
my_sql -e 'CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v TEXT)' || die "cannot fill"
my_sql d -e 'INSERT INTO t SELECT seq, REPEAT(MD5(seq), 32) FROM seq_1_to_8192' || die "cannot fill"
cat >"$T/env.yaml" <<YAML
name: prod
files:
  - {name: tree, path: "$T/tree"}
databases:
  - {name: pg, engine: postgresql, host: "$PG_SOCKET_DIR", port: $PG_PORT, user: $PG_ADMIN, database: postgres}
  - {name: my, engine: mariadb, socket: "$MY_SOCKET", user: root, database: d}
YAML
# bounded RATE JOBS WHAT...: no less time than its bytes need at that rate.
bounded() {
    local rate=$1 jobs=$2
    shift 2
    rm -rf "$T/journal" "$T/store"
    "$REHEARSE" snapshot --env "$T/env.yaml" --to "$T/store" --rate "$rate" --jobs "$jobs" --journal "$T/journal" || return
    jq -e 'select(.event == "snapshot.done") | (.bytes >= 25000000) and (.took_ms >= (.bytes / .rate - 1) * 1000)' "$T/journal"
}
check "one job keeps the rate" bounded 8M 1
check "four jobs keep it together" bounded 8M 4
e2e_end
