#!/bin/bash
# SPDX-License-Identifier: MIT
# MariaDB at its usual work under the shim, InnoDB with native asynchronous I/O (Debian's is io_uring) and O_DIRECT:
# installation, mysqlslap's mixed load, transfers that keep a sum, kill -9 in the middle, and recovery. Then every
# table must be good, and the sum must be unchanged.
set -eu
. tests/clients/lib.sh
queries=${UNTORN_CLIENT_QUERIES:-8000}

sql() { in_tree native mariadb --no-defaults -S /tmp/run/socket -u root -N -B "$@"; }

# Few buffers, so that the server reads and writes; the doublewrite buffer has its default.
start() {
	become "$way" mariadbd --no-defaults --datadir=/tmp/run/data --socket=/tmp/run/socket --skip-networking \
		--innodb-use-native-aio=ON --innodb-flush-method=O_DIRECT --innodb-buffer-pool-size=16M \
		>> "$work/run/log" 2>&1 &
	server=$!
	until_true 60 sql -e 'select 1'
	has_shim "$way" "$server"
	has_ring "$server"
	[ "$(sql -e 'select @@innodb_use_native_aio')" = 1 ] || fail "InnoDB does without native AIO"
}

# Each worker moves money between 20000 accounts until the server is gone.
transfers() {
	sql <<-'END'
		create database bank;
		use bank;
		create table account (id int primary key, balance int not null, note varchar(500), key (balance)) engine=innodb;
		insert into account select seq, 1000, repeat('x', 500) from seq_1_to_20000;
		create table moved (id int auto_increment primary key, amount int) engine=innodb;
		delimiter //
		create procedure move() begin
			declare a int; declare b int; declare amount int;
			loop
				set a = 1 + floor(rand() * 10000), b = 10001 + floor(rand() * 10000), amount = floor(rand() * 100);
				start transaction;
				update account set balance = balance - amount where id = a;
				update account set balance = balance + amount where id = b;
				insert into moved (amount) values (amount);
				commit;
			end loop;
		end//
	END
	for _ in 1 2 3 4; do sql -D bank -e 'call move()' > "$work/gone" 2>&1 & done
	sleep 5
}

# Checks every table of every database by CHECK TABLE ... EXTENDED, after all deleted records are purged: during the
# purge after a recovery it sometimes warns of an index record that is gone a moment later.
checked() {
	sql -e 'set global innodb_max_purge_lag_wait = 0'
	in_tree native mariadb-check --no-defaults -S /tmp/run/socket -u root --all-databases --extended > "$work/check"
	! grep -vE ' OK$' "$work/check" || fail "CHECK TABLE finds that"
	[ "$(sql -e 'select sum(balance) from bank.account')" = 20000000 ] || fail "the sum of the accounts is another"
}

usual_work() { # WAY
	local taken moved
	way=$1
	fresh_run
	in_tree "$way" mariadb-install-db --no-defaults --datadir=/tmp/run/data --skip-test-db --force \
		--auth-root-authentication-method=normal > "$work/install" 2>&1 ||
		{ grep -iE "error|fatal" "$work/install" || tail "$work/install"; fail "mariadb-install-db"; }
	start
	in_tree "$way" mariadb-slap --no-defaults -S /tmp/run/socket -u root --engine=innodb --concurrency=4 \
		--auto-generate-sql --auto-generate-sql-load-type=mixed --auto-generate-sql-add-autoincrement \
		--number-of-queries="$queries" > "$work/slap" 2>&1 || { tail "$work/slap"; fail "mariadb-slap"; }
	taken=$(sed -n 's/.*Average number of seconds to run all queries: //p' "$work/slap")
	transfers
	crash
	start
	grep -q 'Starting crash recovery' "$work/run/log" || fail "there was nothing to recover"
	moved=$(sql -e 'select count(*) from bank.moved')
	[ "$moved" -gt 100 ] || fail "the crash came before any work"
	checked
	sql -e shutdown
	wait "$server"
	server=
	silent "$work/run/log" "$work/install"
	echo "MariaDB, $way: $queries queries in $taken, $moved transfers to the crash, recovered;" \
		"$(wc -l < "$work/check") tables OK; $(wc -l < "$work/run/log") lines of log without a word of us"
}

enter_tree tree bookworm mariadb-server dash coreutils bash sed grep gawk hostname
for way in $ways; do usual_work $way; done
