#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs every example of the manual as it is written, over a simulated disk, with its own directories in place of /run,
# /var/tmp and /usr/local/lib. tests/vm/test_examples.sh runs those of untorn-verify(1). Each must have its exit status.
set -u
case $BUILD in *address* | *thread*) echo "SKIP: a sanitizer's library would have to come first"; exit 77 ;; esac
if [ -z "${UNTORN_MANUAL:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "SKIP: only root may publish"; exit 77; }
	UNTORN_MANUAL=$(mktemp -d -p /tmp) && export UNTORN_MANUAL
	trap 'rm -rf "$UNTORN_MANUAL"' EXIT
	mkdir "$UNTORN_MANUAL"/{bin,lib,man,run,tmp}
	cp "$BUILD/untorn" "$BUILD"/examples/{pages,pwritev2} "$UNTORN_MANUAL/bin"
	cp "$BUILD"/libuntorn*.so "$UNTORN_MANUAL/lib"
	cp "$BUILD"/libuntorn*.so "$UNTORN_MANUAL/bin" # beside the command, as in a build directory
	cp man/* "$UNTORN_MANUAL/man"
	cp "$0" "$UNTORN_MANUAL"
	unshare --mount "$UNTORN_MANUAL/${0##*/}"
	exit
fi
cd "$UNTORN_MANUAL" || exit 1
mount --bind run /run && mount --bind tmp /var/tmp && mount --bind lib /usr/local/lib || exit 1
PATH=$PWD/bin:$PATH
unset LD_PRELOAD UNTORN_MODE UNTORN_NVME_LIMITS
# The manual's engine: where the power will be cut it writes on and on.
cat > my-engine << 'END'
#!/bin/sh
case $UNTORN_SIM in
*cut_max*) exec pages write "$1" 50 ;;
*) exec pwritev2 "$1" 0 16384 ;;
esac
END
chmod +x my-engine
export UNTORN_SIM="/dev/nvme0n1=/var/tmp/disk,size=64M,nawupf=31,awupf=31"
number=$(LD_PRELOAD=$PWD/lib/libuntorn-sim.so stat -c %Hr:%Lr /dev/nvme0n1)
mkdir -m 755 run/untorn && ln -s "$number" run/untorn/259:0 # the number of the manual's disk

examples() { # PAGE: the text between .EX and .EE, a command a line
	sed -n '/^\.EX/,/^\.EE/{/^\.E[XE]/d;p}' "$1" | sed ':a; /\\e$/{N;ba}; s/\\e\n *//g; s/\\-/-/g; s/\\e/\\/g'
}

expected() { # COMMAND: its exit status
	case $1 in
	*cut_max*) echo 137 ;; # the power cut kills the program
	*) echo 0 ;;
	esac
}

lacks() { # COMMAND
	case $1 in
	*fio*) ! command -v fio > /dev/null || [ "$(fio --version 2> /dev/null | sed 's/fio-//' | cat - <(echo 3.38) | sort -V | head -n 1)" != 3.38 ] ;;
	*) false ;;
	esac
}

rows=0 failed=0 skipped=0
for page in man/*; do
	[ "$page" != man/untorn-verify.1 ] || continue
	while IFS= read -r command; do
		rows=$((rows + 1))
		if lacks "$command"; then
			skipped=$((skipped + 1))
			echo "skipped: no fio that sets RWF_ATOMIC: $command"
			continue
		fi
		LD_PRELOAD=/usr/local/lib/libuntorn-sim.so bash -c "$command" > said 2>&1 < /dev/null
		status=$?
		[ "$status" = "$(expected "$command")" ] && continue
		failed=$((failed + 1))
		echo "FAILED ${page#man/}: status $status: $command"
		head -n 5 said
	done 2> killed < <(examples "$page")
done
echo "$rows rows, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$rows" -gt 0 ]
