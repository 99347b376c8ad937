#!/bin/bash
# SPDX-License-Identifier: MIT
# PostgreSQL at its usual work under the shim: 15, and 18, whose reads go through io_uring. initdb, pgbench, a
# checkpoint, a crash under load, and recovery. Then every index and table must be good, and the sums that pgbench keeps
# equal must be equal.
set -eu
. tests/clients/lib.sh
seconds=${UNTORN_CLIENT_SECONDS:-15}

sql() { in_tree native psql -h /tmp/run -d postgres -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
pgbench() { in_tree "$way" pgbench -h /tmp/run -d postgres "$@"; }

# Few buffers, so that the server reads and writes; io_method exists from 18 on.
start() {
	become "$way" postgres -D /tmp/run/data -k /tmp/run -c listen_addresses= -c shared_buffers=16MB \
		-c max_wal_size=64MB ${method:+-c io_method=$method} >> "$work/run/log" 2>&1 &
	server=$!
	until_true 60 sql -c 'select 1'
	has_shim "$way" "$server"
}

# The server's process for a client must have the shim, too, and with io_uring a ring.
backend() {
	local pid
	mkfifo "$work/hold"
	sql -c 'select pg_backend_pid()' -f /tmp/hold > "$work/backend" &
	exec 7> "$work/hold"
	until_true 10 test -s "$work/backend"
	pid=$(cat "$work/backend")
	has_shim "$way" "$pid"
	[ "$method" != io_uring ] || has_ring "$pid"
	exec 7>&-
	wait $!
	rm "$work/hold"
}

consistent() { # the tables' sums must equal the history's; nothing may be corrupt
	local sums
	sums=$(sql -c 'select (select sum(abalance) from pgbench_accounts), (select sum(tbalance) from pgbench_tellers),
		(select sum(bbalance) from pgbench_branches), (select coalesce(sum(delta), 0) from pgbench_history)')
	[ "$(tr '|' '\n' <<< "$sums" | sort -u | wc -l)" = 1 ] || fail "sums differ: $sums"
	sql -c 'set client_min_messages = warning' -c 'create extension if not exists amcheck' -c "select bt_index_check(oid, true) from pg_class
		where relkind = 'i' and relpersistence = 'p'" > /dev/null
	[ -z "$(sql -c "select c.oid::regclass, v.* from pg_class c, verify_heapam(c.oid) v where c.relkind = 'r'")" ] ||
		fail "amcheck finds broken tables"
}

written() { sql -c 'select count(*) from pgbench_history'; }

usual_work() { # WAY
	local before bench transactions
	way=$1
	fresh_run
	in_tree "$way" initdb -D /tmp/run/data -A trust --no-locale > "$work/initdb" 2>&1 ||
		{ tail "$work/initdb"; fail "initdb"; }
	start
	backend
	pgbench -i -q -s 5 > "$work/bench" 2>&1 || { tail "$work/bench"; fail "pgbench -i"; }
	pgbench -n -c 4 -T "$seconds" > "$work/bench" 2>&1 || { tail "$work/bench"; fail "pgbench"; }
	transactions=$(sed -n 's/^number of transactions actually processed: //p' "$work/bench")
	sql -c checkpoint
	consistent
	before=$(written)
	pgbench -n -c 4 -T 60 > "$work/bench" 2>&1 &
	bench=$!
	sleep 3
	kill -QUIT "$server" # "immediate": nothing is written back
	wait "$server" || true
	wait $bench || true
	start
	grep -q 'redo done' "$work/run/log" || fail "there was nothing to recover"
	[ "$(written)" -gt "$before" ] || fail "the crash came before any work"
	consistent
	kill -INT "$server"
	wait "$server"
	server=
	silent "$work/run/log" "$work/initdb"
	echo "PostgreSQL $version${method:+, io_method=$method}, $way: $transactions transactions in $seconds s," \
		"recovered, consistent; $(wc -l < "$work/run/log") lines of log without a word of us"
}

all() { # VERSION SUITE [IO_METHOD]
	version=$1 method=${3:-} tree_path=/usr/lib/postgresql/$1/bin
	enter_tree tree "$2" postgresql-"$1" dash coreutils bash
	for way in $ways; do usual_work $way; done
}

all 15 bookworm
all 18 sid io_uring
