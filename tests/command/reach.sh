#!/bin/bash
# SPDX-License-Identifier: MIT
# untorn run over the simulated disk: misspelt settings; which programs of a process tree are served; and the program
# that is judged: the one that runs in the end, with its own C library and sanitizer.
set -u
. tests/rows.sh

# Environment variables are checked like options; an empty one counts as unset.
variables() {
	while read -r word; do
		row "$word" 2 '' "untorn: ${word%%=*}*" env "$word" "$untorn" run -- echo started
		row "$word with --check" 2 '' "untorn: ${word%%=*}*" env "$word" "$untorn" run --check -- true
	done <<- END
		UNTORN_MODE=on
		UNTORN_MODE=Auto
		UNTORN_NVME_LIMITS=both
		UNTORN_AIO=1
		UNTORN_DEEP=yes
		UNTORN_LOG=inf
		UNTORN_LOG=info:
		UNTORN_LOG=info=many
		UNTORN_LOG=info:$(printf %0300d 0)
		UNTORN_STAT=$(printf %0300d 0)
		UNTORN_ONLY=/bin/true
		UNTORN_SKIP=:
		UNTORN_SIM=nonsense
	END
	for word in UNTORN_{MODE,NVME_LIMITS,AIO,DEEP,LOG,STAT,ONLY,SKIP,SIM}= UNTORN_DEEP=0 UNTORN_LOG={off,debug=all,error=7:/x} \
		UNTORN_AIO=inline UNTORN_ONLY=a:b: UNTORN_SIM=/dev/x=y; do
		row "$word" 0 started '' env "$word" "$untorn" run -- echo started
	done
	row "an option in a wrong variable's place" 0 started '' env UNTORN_MODE=on "$untorn" run --mode=off -- echo started
	row "the same of disks" 0 started '' env UNTORN_SIM=nonsense "$untorn" run --sim=/dev/x=y -- echo started
}

# The programs of a tree that the shim serves: those whose atomic writes are done.
# shellcheck disable=SC2016 # the started shells expand it
served() {
	local disk="--sim=/dev/sim0n1=$work/image,size=1M,nawun=31,nawupf=31" done='*all or nothing'
	local write="$BUILD/examples/pwritev2"
	ln -s "$write" other_name
	run "all" 0 "$done" '' "$disk" -- "$write" /dev/sim0n1 0 4096
	run "--only it" 0 "$done" '' "$disk" --only=sh:pwritev2 -- "$write" /dev/sim0n1 0 4096
	run "--only another" 1 '' '*no atomic writes*' "$disk" --only=pwritev:pwritev22 -- "$write" /dev/sim0n1 0 4096
	run "--skip it" 1 '' '*no atomic writes*' "$disk" --skip=a:pwritev2 -- "$write" /dev/sim0n1 0 4096
	run "--skip is the stronger" 1 '' '*no atomic writes*' "$disk" --only=pwritev2 --skip=pwritev2 -- "$write" /dev/sim0n1 0 4096
	run "--skip another" 0 "$done" '' "$disk" --skip=other_name -- "$write" /dev/sim0n1 0 4096
	run "a child's name, not ours" 0 "$done" '' "$disk" --only=pwritev2 -- sh -c "$write /dev/sim0n1 0 4096; true"
	run "the name of a link" 0 "$done" '' "$disk" --only=other_name -- ./other_name /dev/sim0n1 0 4096
	run "the file, under another name" 0 "$done" '' "$disk" --only=pwritev2 -- \
		bash -c 'exec -a strange "$0" /dev/sim0n1 0 4096' "$write"
	run "the name it is called by" 0 "$done" '' "$disk" --only=strange -- \
		bash -c 'exec -a strange "$0" /dev/sim0n1 0 4096' "$write"
	if [ -x /usr/bin/python3 ]; then
		printf '%s\n' '#!/usr/bin/python3' 'import os, mmap' 'fd = os.open("/dev/sim0n1", os.O_RDWR | os.O_DIRECT)' \
			'print(os.pwritev(fd, [mmap.mmap(-1, 4096)], 0, 0x40))' > tool
		chmod +x tool
		run "a script's own name" 0 4096 '' "$disk" --only=tool -- ./tool
		run "its interpreter's" 0 4096 '' "$disk" --only=python3 -- ./tool
		run "neither" 1 '' '*not supported*' "$disk" --only=other -- ./tool
	fi
	run "the doctor is no such program" 0 '/dev/sim0n1: atomic writes of*' '' "$disk" --only=nothing -- "$untorn" doctor /dev/sim0n1
	run "one that is served is logged" 0 "$done" '*untorn\[*' "$disk" --log=debug --skip=sh -- "$write" /dev/sim0n1 0 4096
	run "one that is not is not" 1 '' '/dev/sim0n1: *' "$disk" --log=debug --skip=pwritev2 -- "$write" /dev/sim0n1 0 4096
}

file_loader() { LC_ALL=C sed -nE 's|.*(/lib[a-z0-9]*/ld[-a-z0-9_.]*).*|\1|p' < <(tr '\0' '\n' < "$1") | head -n 1; }

# Programs that start another program, which is the one to judge.
# shellcheck disable=SC2016 # the started shells expand it
through() {
	local loader
	run "env" 0 "1 $shim" '' -- env A=1 sh -c 'echo $A $LD_PRELOAD'
	printf '#!/usr/bin/env sh\n%s\n' "$preload" > env_script
	printf '#!/usr/bin/env -S A=2 sh -e\necho $A $LD_PRELOAD\n' > split_script
	chmod +x env_script split_script
	run "a script of env" 0 "$shim" '' ./env_script
	run "a script of env -S" 0 "2 $shim" '' ./split_script
	for word in -i - '-u LD_PRELOAD' --unset=LD_PRELOAD LD_PRELOAD=/x.so --ignore-environment '-S -i sh'; do
		# shellcheck disable=SC2086 # several words
		run "env $word" 125 '' 'untorn: */env *without LD_PRELOAD*' -- env $word sh -c 'echo started'
	done
	run "env -i, anyway" 0 started '' --anyway -- env -i /bin/echo started
	run "env -i alone" 0 '' '' -- env -i
	run "env with the shim itself" 0 '*libuntorn.so*' '' -- env -i LD_PRELOAD="$shim" sed -n s,.*/,,p /proc/self/maps
	run "env of what is not there" 127 '' 'env: *' -- env nosuch-program
	run "env with an unknown option" 125 '' '*' -- env --nonsense true
	if [ -x static ]; then
		printf '#!/usr/bin/env %s/static\n' "$work" > env_static
		chmod +x env_static
		run "env of a static program" 125 '' 'untorn: ./static is statically*' -- env A=1 B=2 ./static
		run "the same by -C" 125 '' "untorn: $work/./static is statically*" -- env -C "$work" ./static
		run "the same by PATH=" 125 '' "untorn: $work/static is statically*" -- env PATH="$work" static
		run "the same by -S" 125 '' "untorn: ./static is statically*" -- env -S 'A=1 ./static'
		run "env of env of it" 125 '' 'untorn: ./static is statically*' -- env env -- ./static
		run "a script of env of it" 125 '' "untorn: $work/static is statically*" ./env_static
		run "--check of env of it" 125 '' 'untorn: ./static is statically*' --check -- env ./static
	fi
	loader=$(file_loader /bin/sh)
	[ -x "$loader" ] || { skip "no loader"; return; }
	run "the loader" 0 "$shim" '' -- "$loader" /bin/sh -c "$preload"
	run "the loader's options" 0 "$shim" '' -- "$loader" --inhibit-cache --library-path /nosuch /bin/sh -c "$preload"
	run "the loader alone" 0 '*' '' -- "$loader" --help
	run "--check of the loader" 0 '/bin/sh: reached*' '' --check -- "$loader" /bin/sh
	[ ! -x ring ] || run "--check by the loader" 1 './ring: needs --deep*' '' --check -- "$loader" ./ring
	[ ! -x static ] || run "the loader of a static program" 125 '' 'untorn: ./static is statically*' -- "$loader" ./static
}

# A static wrapper: the shim is in the program that it executes.
wrapper() {
	printf '%s\n' '#include <unistd.h>' 'int main(int argc, char **argv) {' \
		'(void)argc;' 'return execv(argv[1], argv + 1);' '}' > wrap.c
	${CC:-cc} -static -o wrap wrap.c 2> messages || { skip "no static programs can be linked"; return; }
	run "a static wrapper" 125 '' 'untorn: ./wrap *only dynamically linked programs that it starts*--anyway*' ./wrap /bin/true
	run "a static wrapper, anyway" 0 '*libuntorn.so*' '' --anyway ./wrap /bin/sed -n 's,.*/,,p' /proc/self/maps
}

# A program with its own C library, which lacks symbols that the shim needs. Here the shim is changed instead: it needs
# a symbol version that no C library has.
old_libc() {
	mkdir old && cp "$untorn" "$sim" old && LC_ALL=C sed 's/GLIBC_2\.4\x00/GLIBC_9.9\x00/; s/GLIBC_2\.34\x00/GLIBC_9.99\x00/' "$shim" > old/libuntorn.so
	if ! cmp -s "$shim" old/libuntorn.so && ${CC:-cc} -Wl,-rpath,/nosuch -o with_path static.c 2> messages; then
		local told='untorn: * uses a C library that is too old for libuntorn.so: it lacks GLIBC_9.9*'
		row "an RPATH" 125 '' "$told" old/untorn run ./with_path
		row "an RPATH, anyway" 125 '' "$told" old/untorn run --anyway ./with_path
		row "an RPATH, --check" 125 '' "$told" old/untorn run --check ./with_path
		row "LD_LIBRARY_PATH" 125 '' "$told" env LD_LIBRARY_PATH=/nosuch old/untorn run true
		row "by the loader" 125 '' "$told" old/untorn run -- "$(file_loader /bin/sh)" /bin/true
		run "an RPATH, and all is there" 0 '' '' ./with_path
	else
		skip "no versions of symbols, or no compiler"
	fi
}

# shellcheck disable=SC2016 # the started shells expand it
sanitized() {
	echo 'int main(void) { return 0; }' > clean.c
	if ! ${CC:-cc} -fsanitize=address -o clean clean.c 2> messages || ! ./clean || ! grep -q 'libasan\.so' clean; then
		skip "no AddressSanitizer in a shared library"
		return
	fi
	local library
	library=$(ldd clean | sed -nE 's/.*=> (.*libasan\.so[^ ]*).*/\1/p')
	run "AddressSanitizer" 0 '' '' ./clean
	run "AddressSanitizer, by env" 0 '' '' env A=1 ./clean
	printf '%s\n' '#include <stdlib.h>' '#include <stdio.h>' 'int main(void) { return puts(getenv("ASAN_OPTIONS")) < 0; }' > says.c
	${CC:-cc} -fsanitize=address -o says says.c
	run "its options" 0 'verify_asan_link_order=0' '' ./says
	row "behind the user's" 0 'detect_leaks=0:verify_asan_link_order=0' '' env ASAN_OPTIONS=detect_leaks=0 "$untorn" run ./says
	run "nobody else's" 0 '<>' '' -- sh -c 'echo "<$ASAN_OPTIONS>"'
	cp "$sim" other.so
	row "its library in LD_PRELOAD stays first" 0 '' '' env LD_PRELOAD="$library" "$untorn" run ./clean
	row "the list then" 0 "$library:$shim:$work/other.so" '' env LD_PRELOAD="$library $work/other.so" ASAN_OPTIONS=detect_leaks=0 \
		"$untorn" run -- sh -c "$preload"
	run "--check of it" 0 './clean: reached, without --deep*' '' --check ./clean
}

cat > inline.c << 'END'
#include <sys/syscall.h>
int main(int argc, char **argv)
{
	long r = SYS_io_uring_enter;
	(void)argv;
	if (argc > 1)
		__asm__ volatile("syscall" : "+a"(r) : : "rcx", "r11", "memory");
	return 0;
}
END
echo 'int main(int argc, char **argv) { return argv[argc] != 0; }' > static.c
${CC:-cc} -O2 -o ring inline.c 2> messages
${CC:-cc} -static -o static static.c 2> messages || skip "no static programs can be linked"
[ "$(uname -m)" = x86_64 ] || rm -f ring
variables
served
through
wrapper
old_libc
sanitized
ended
