#!/bin/bash
# SPDX-License-Identifier: MIT
# Tests untorn run: which programs it starts, with which environment, which it refuses, and its messages.
set -u
. tests/rows.sh
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

cp "$sim" other.so
cp /bin/true true
printf '#!/bin/sh\nprintf "<%%s>" "$@"\n' > words
printf '#!/bin/sh -e\n%s\n' "$preload" > script
printf '#! \t/bin/sh\t-e\n%s\n' "$preload" > spaced
printf '%s\n' "$preload" > bare
printf '#!%s/script\n' "$work" > of_script
printf '#!%s/missing\n' "$work" > orphan
chmod +x words script spaced bare of_script orphan
echo text > text

verbs() {
	row "no verb" 2 '' 'usage: untorn VERB*' "$untorn"
	row "--help" 0 'usage: untorn VERB*untorn run*untorn doctor*untorn publish*' '' \
		"$untorn" --help
	row "help" 0 'usage: untorn VERB*' '' "$untorn" help
	row "--version" 0 'untorn [0-9]*.[0-9]*' '' "$untorn" --version
	row "an unknown verb" 2 '' 'untorn: there is no verb walk;*' "$untorn" walk
	row "help of an unknown verb" 2 '' 'untorn: there is no verb walk;*' "$untorn" help walk
	row "an unknown option" 2 '' '?*' "$untorn" --walk
	row "an empty verb" 2 '' '?*' "$untorn" ''
	for verb in run doctor publish; do
		row "help $verb" 0 "usage: untorn $verb *" '' "$untorn" help $verb
		row "$verb --help" 0 "usage: untorn $verb *" '' "$untorn" $verb --help
	done
	for words in --version --help "help run"; do
		# shellcheck disable=SC2086,SC2016 # several words; for the shell that is started
		row "$words to a full disk" 1 '' '*' \
			sh -c '"$@" > /dev/full || exit 1' - "$untorn" $words
	done
}

usage() {
	run "no program" 2 '' 'untorn: name a program;*'
	run "no program after --" 2 '' 'untorn: name a program;*' --
	run "no program after an option" 2 '' 'untorn: name a program;*' --mode=off
	run "an unknown option" 2 '' '*--walk*' --walk true
	run "an option without its word" 2 '' '*--mode*' --mode
	for word in '' on AUTO 'auto ' native; do
		run "--mode='$word'" 2 '' "untorn: --mode: unknown value $word;*" --mode="$word" true
	done
	for word in '' both Namespace 1; do
		run "--nvme-limits='$word'" 2 '' "untorn: --nvme-limits: unknown value $word;*" \
			--nvme-limits="$word" true
	done
	run "a wrong word before a good one" 2 '' 'untorn: --mode*' --mode=on --mode=off true
	for word in '' inf info: info=x info=x:file INFO infos ' info'; do
		run "--log='$word'" 2 '' "untorn: --log: unknown value $word;*error info debug" --log="$word" true
	done
	run "--log to a file that cannot be" 2 '' 'untorn: --log: /nosuch/file: No such*' --log=info:/nosuch/file true
	ln -s nothing loglink
	run "--log to a symbolic link" 2 '' 'untorn: --log: loglink: is a symbolic link' --log=info:loglink true
	for word in '' : /bin/sh a:./b; do
		run "--only='$word'" 2 '' "untorn: --only*" --only="$word" true
		run "--skip='$word'" 2 '' "untorn: --skip*" --skip="$word" true
	done
}

# shellcheck disable=SC2016 # for the shells that are started
environment() {
	run "the shim is preloaded" 0 "$shim" '' -- sh -c "$preload"
	row "an older preload stands behind it" 0 "$shim:$work/other.so" '' \
		env LD_PRELOAD="$work/other.so" "$untorn" run -- sh -c "$preload"
	row "an empty preload" 0 "$shim" '' env LD_PRELOAD= "$untorn" run -- sh -c "$preload"
	run "nested: not twice" 0 "$shim" '' "$untorn" run -- sh -c "$preload"
	run "nested with an older preload" 0 "$shim:$work/other.so" '' \
		env LD_PRELOAD="$shim $work/other.so" "$untorn" run -- \
		sh -c 'echo $LD_PRELOAD | tr " " :'
	run "--sim stands behind the shim" 0 "$shim:$sim" '' --sim=/dev/x=y -- sh -c "$preload"
	run "--sim, nested" 0 "$shim:$sim" '' --sim=/dev/x=y -- "$untorn" run -- sh -c "$preload"
	run "--sim of the inner one" 0 "$shim:$sim" '' \
		"$untorn" run --sim=/dev/x=y -- sh -c "$preload"
	run "--sim twice" 0 "$shim:$sim" '' \
		--sim=/dev/x=y "$untorn" run --sim=/dev/x=y sh -c "$preload"
	row "before what LD_PRELOAD names, though it names the shim" 0 "$shim:$work/other.so*" '' \
		env LD_PRELOAD="$work/other.so:$shim" "$untorn" run -- sh -c "$preload"
	run "--sim is passed on, its image as seen from here" 0 "/dev/x=$PWD/y,size=1M" '' --sim /dev/x=y,size=1M -- \
		sh -c 'echo $UNTORN_SIM'
	for word in auto command off; do
		run "--mode=$word" 0 "$word" '' --mode=$word -- sh -c 'echo $UNTORN_MODE'
	done
	for word in namespace controller; do
		run "--nvme-limits=$word" 0 "$word" '' --nvme-limits=$word -- \
			sh -c 'echo $UNTORN_NVME_LIMITS'
	done
	run "--log" 0 error=5 '' --log=error=5 -- sh -c 'echo $UNTORN_LOG'
	run "--log, its file as seen from here" 0 "info:$PWD/a:log" '' --log=info:a:log -- sh -c 'echo $UNTORN_LOG'
	run "--only, --skip" 0 'a:b c' '' --only=a:b --skip=c -- sh -c 'echo $UNTORN_ONLY $UNTORN_SKIP'
	run "the last --mode counts" 0 off '' --mode=auto --mode off sh -c 'echo $UNTORN_MODE'
	run "no option, no variable" 0 '<><><>' '' -- \
		sh -c 'echo "<$UNTORN_MODE><$UNTORN_NVME_LIMITS><$UNTORN_SIM>"'
	row "an older setting stays" 0 command '' \
		env UNTORN_MODE=command "$untorn" run -- sh -c 'echo $UNTORN_MODE'
	row "an option is stronger" 0 off '' \
		env UNTORN_MODE=command "$untorn" run --mode=off -- sh -c 'echo $UNTORN_MODE'
	run "shim and disk are really there" 0 '*libuntorn-sim.so*libuntorn.so*' '' \
		--sim=/dev/x=y -- sh -c 'sed -n "s,.*/,,p" /proc/self/maps | sort -u | tr "\n" " "'
	run "the doctor finds the disk" 0 '/dev/sim0n1: atomic writes of 512 to 16384 *' '' \
		--sim="/dev/sim0n1=$work/image,size=1M,nawun=31,nawupf=31" -- \
		"$untorn" doctor /dev/sim0n1
}

# shellcheck disable=SC2016 # for the shells that are started
program() {
	for status in 0 1 3 125 255; do
		run "exit $status" $status '' '' -- sh -c "exit $status"
	done
	row "killed" 137 '' '*' sh -c '"$@"; exit $?' - "$untorn" run -- sh -c 'kill -KILL $$'
	row "terminated" 143 '' '*' sh -c '"$@"; exit $?' - "$untorn" run -- sh -c 'kill -TERM $$'
	run "words" 0 '<a b><><\*><--help><-x><--mode=off><-->' '' -- \
		./words 'a b' '' '*' --help -x --mode=off --
	run "words without --" 0 '<a b><><\*><--help><-x><--mode=off><-->' '' \
		./words 'a b' '' '*' --help -x --mode=off --
	run "-- of the program" 0 '<--><a>' '' -- ./words -- a
	run "an option like ours" 0 '<--mode><nonsense>' '' ./words --mode nonsense
	row "the input is the program's" 0 text '' sh -c '"$@" < text' - "$untorn" run cat
	run "both outputs are the program's" 0 out err -- sh -c 'echo out; echo err >&2'
	row "the same process" 0 same '' sh -c 'p=$(sh -c "echo \$PPID; exec \"\$@\"" - "$@" |
		tail -n 1); [ -n "$p" ] && echo same' - "$untorn" run -- sh -c 'echo $$'

	run "not there" 127 '' 'untorn: nosuch-program: not found' nosuch-program
	run "not there, by path" 127 '' 'untorn: ./nosuch: not found' ./nosuch
	run "a path through a file" 126 '' 'untorn: text/x: *' text/x
	run "no name" 127 '' 'untorn: ?*' ''
	run "the name looks like an option" 127 '' 'untorn: --mode=off: not found' -- --mode=off
	run "not executable" 126 '' 'untorn: ./text: *' ./text
	row "not executable, in PATH" 126 '' 'untorn: text: *' env PATH="$work" "$untorn" run text
	run "a folder" 126 '' 'untorn: ./: *' ./
	row "PATH is not set" 0 '' '' env -u PATH "$untorn" run true
	row "PATH is empty: here" 0 '' '' env PATH= "$untorn" run true
	row "PATH ends with here" 0 '<a>' '' env PATH="$PATH:" "$untorn" run words a
	mkdir folder folder/words
	row "a folder of that name in PATH" 0 '<a>' '' \
		env PATH="$work/folder:$work:$PATH" "$untorn" run words a

	run "a script" 0 "$shim" '' ./script
	run "a script with spaces before its interpreter" 0 "$shim" '' ./spaced
	run "a script without an interpreter" 0 "$shim" '' ./bare
	run "a script of a script" 0 "$shim" '' ./of_script
	run "a script of nothing" 127 '' 'untorn: ./orphan: *' ./orphan
}

# shellcheck disable=SC2016 # for the shells that are started
deep() {
	row "no deep mode unless asked for" 0 '<>' '' "$untorn" run -- sh -c 'echo "<$UNTORN_DEEP>"'
	if [ "$(uname -m)" != x86_64 ]; then
		run "--deep on another machine" 125 '' 'untorn: deep mode is for x86-64 only;*' --deep true
		return
	fi
	if "$untorn" run --deep -- true 2> messages; then
		run "--deep" 0 '<1>' '' --deep -- sh -c 'echo "<$UNTORN_DEEP>"'
		run "--deep, static" 125 '' '*statically*' --deep -- ./static
	else
		run "--deep on an old kernel" 125 '' 'untorn: deep mode *' --deep -- true
	fi
	printf '%s\n' '#include <sys/syscall.h>' 'int main(int argc, char **argv) {' 'long r = CALL; (void)argv;' \
		'if (argc > 1) __asm__ volatile("syscall" : "+a"(r) : : "rcx", "r11", "memory");' \
		'return 0; }' > inline.c
	if ! ${CC:-cc} -O2 -DCALL=SYS_io_uring_enter -o ring inline.c 2> messages ||
		! ${CC:-cc} -O2 -DCALL=SYS_getppid -o other inline.c 2> messages; then
		skip "no compiler"
		return
	fi
	run "--require of a disk that qualifies" 0 there '' \
		--sim="/dev/sim0n1=$work/image,size=1M,nawun=31,nawupf=31" --require=/dev/sim0n1 -- echo there
	run "--require of one that does not" 125 '' 'untorn: /dev/sim0n1: *--require*untorn doctor /dev/sim0n1*' \
		--require=/dev/sim0n1 --sim="/dev/sim0n1=$work/image,size=1M,kind=none" -- echo there
	run "--require of two" 125 '' 'untorn: */dev/null*--require*' \
		--sim="/dev/sim0n1=$work/image,size=1M,nawun=31,nawupf=31" --require=/dev/sim0n1 --require=/dev/null -- echo there
	run "--require of what is not there" 125 '' 'untorn: */dev/absent*' --require /dev/absent -- echo there
	run "--require of an option" 125 '' 'untorn: *--json*' --require=--json -- echo there
	run "--check of a program with a ring" 1 "./ring: needs --deep, because ./ring makes *" '' --check ./ring
	run "--check of a program with other calls" 0 './other: reached, without --deep;*' '' --check ./other
	run "--check of an ordinary program" 0 '*/sh: reached, without --deep;*' '' --check -- sh -c 'echo no'
	run "--check starts nothing" 0 '*/sh: reached*' '' --check -- sh -c 'exit 9'
	run "--check of a script" 0 '*: reached*' '' --check ./script
	run "--check of a static program" 125 '' '*statically*' --check ./static
	run "--check of a static program, anyway" 125 '' '*statically*' --check --anyway ./static
	run "--check of nothing" 127 '' 'untorn: ./nosuch: not found' --check ./nosuch
	printf 'void ring_library(void);\nint main(void) { ring_library(); return 0; }\n' > user.c
	sed 's/main(int argc, char \*\*argv)/ring_library(int argc, char **argv)/' inline.c > library.c
	${CC:-cc} -O2 -DCALL=SYS_io_uring_setup -shared -fPIC -o libring.so library.c &&
		${CC:-cc} -o user user.c -L. -lring -Wl,-rpath,"$work" || return
	run "--check of a library" 1 "./user: needs --deep, because $work/libring.so makes*" '' --check ./user
}

# /bin/true with a changed byte or two: good enough, because the command never starts these.
crafted() {
	cp true class && printf '\001' | dd of=class bs=1 seek=4 conv=notrunc 2> messages
	cp true machine && printf '\012' | dd of=machine bs=1 seek=18 conv=notrunc 2> messages
	run "32 bits" 125 '' 'untorn: ./class *architecture*--anyway*' ./class
	run "another machine" 125 '' 'untorn: ./machine *architecture*' ./machine
	if grep -aq /ld-linux true; then
		LC_ALL=C sed 's,/ld-linux,/ld-musl-,' true > musl
		chmod +x musl
		run "musl" 125 '' 'untorn: ./musl *musl*' ./musl
	else
		skip "/bin/true has not glibc's loader"
	fi
	if echo 1 > one && objcopy --add-section .go.buildinfo=one true go 2> messages; then
		run "Go" 125 '' 'untorn: ./go is a Go program*cannot be reached*' ./go
		run "Go, anyway" 0 '' '' --anyway ./go
	else
		skip "no objcopy: Go"
	fi
}

static_programs() {
	echo 'int main(int argc, char **argv) { return argv[argc] != 0; }' > static.c
	if ! ${CC:-cc} -static -o static static.c 2> messages; then
		skip "no static programs can be linked"
		return
	fi
	run "static" 125 '' 'untorn: ./static is statically linked*--anyway*' ./static
	run "static, anyway" 0 '' '' --anyway ./static
	run "static, anyway, after --" 125 '' '*statically*' -- ./static --anyway
	row "static, in PATH" 125 '' "untorn: $work/static is statically*" \
		env PATH="$work:$PATH" "$untorn" run static
	mkdir folder/static
	row "static, behind a folder of that name in PATH" 125 '' "*$work/static is statically*" \
		env PATH="$work/folder:$work:$PATH" "$untorn" run static
	printf '#!%s/static\n' "$work" > of_static
	printf '#!%s/of_static\n' "$work" > of_of_static
	chmod +x of_static of_of_static
	run "a script whose interpreter is static" 125 '' "*$work/static is statically*" ./of_static
	run "a script of such a script" 125 '' "*$work/static is statically*" ./of_of_static
	run "such a script, anyway" 0 '' '' --anyway ./of_static
	if ${CC:-cc} -static-pie -o static_pie static.c 2> messages; then
		run "static-pie" 125 '' 'untorn: ./static_pie is statically linked*' ./static_pie
	else
		skip "no static-pie programs can be linked"
	fi
}

owned() { # FILE OWNER GROUP MODE
	cp "${5:-true}" "$1" && chown "$2:$3" "$1" && chmod "$4" "$1"
}

rights() {
	if [ "$(id -u)" != 0 ] || ! command -v setpriv > /dev/null ||
		! as_nobody test -x "$untorn" || ! as_nobody test -x "$work/true"; then
		skip "rights: not root, or others cannot come here"
		return
	fi
	local refused='untorn: */* is set-user-ID*run it as the user*'
	owned suid 65534 0 4755
	run "set-user-ID of another" 125 '' "$refused" ./suid
	run "set-user-ID of another, anyway" 0 '' '' --anyway ./suid
	row "set-user-ID of the caller" 0 '' '' as_nobody "$untorn" run ./suid
	owned suid_root 0 0 4755
	run "set-user-ID of root, by root" 0 '' '' ./suid_root
	row "set-user-ID of root, by another" 125 '' "$refused" as_nobody "$untorn" run ./suid_root
	owned sgid 0 65534 2755
	run "set-group-ID of another group" 125 '' "$refused" ./sgid
	row "set-group-ID of the caller's" 0 '' '' as_nobody "$untorn" run ./sgid
	owned locking 0 65534 2745
	run "that bit without group execution is no set-group-ID" 0 '' '' ./locking
	owned suid_script 65534 0 4755 script
	run "the kernel ignores the bits of a script" 0 "$shim" '' ./suid_script
	printf '#!%s/suid\n' "$work" > of_suid
	chmod +x of_suid
	run "but not of its interpreter" 125 '' "$refused" ./of_suid
	cp true capable
	if ! setcap cap_chown+ep capable 2> messages; then
		skip "no setcap, or not on this filesystem"
		return
	fi
	row "file capabilities" 125 '' "$refused" as_nobody "$untorn" run ./capable
	row "file capabilities, anyway" 0 '' '' as_nobody "$untorn" run --anyway ./capable
	run "file capabilities, by root" 0 '' '' ./capable
}

# The places of the command, and the ways to call it.
places() {
	row "by a relative path" 0 "$shim" '' env -C "$BUILD" ./untorn run -- sh -c "$preload"
	row "through PATH" 0 "$shim" '' env PATH="$BUILD:$PATH" untorn run -- sh -c "$preload"
	local installed=
	ln -s "$untorn" link
	row "through a symbolic link" 0 "$shim" '' ./link run -- sh -c "$preload"
	mkdir alone 'a space' 'a:colon' moved
	cp "$untorn" alone
	cp "$untorn" "$shim" "$sim" 'a space'
	cp "$untorn" "$shim" "$sim" 'a:colon'
	cp "$untorn" "$shim" moved
	row "copied with its library" 0 "$work/moved/libuntorn.so" '' \
		moved/untorn run -- sh -c "$preload"
	if [ "$(alone/untorn run -- sh -c "$preload" 2> messages)" ]; then
		skip "the library is installed on this machine"
		installed=1
	else
		row "copied without" 125 '' 'untorn: libuntorn.so is neither beside*' \
			alone/untorn run true
		row "without the disk" 125 '' 'untorn: libuntorn-sim.so is neither beside*' \
			moved/untorn run --sim=/dev/x=y true
	fi
	mkdir -p tree/{bin,lib,lib64,libexec} tree/lib/x86_64-linux-gnu/untorn libs/lib
	cp "$untorn" tree/bin && cp "$untorn" tree/libexec && cp "$shim" tree/lib
	row "in the lib folder beside bin" 0 "$work/tree/lib/libuntorn.so" '' tree/bin/untorn run -- sh -c "$preload"
	ln -s tree moved_tree
	row "the same through a link" 0 "$work/tree/lib/libuntorn.so" '' moved_tree/bin/untorn run -- sh -c "$preload"
	mv tree/lib/libuntorn.so tree/lib64
	row "in lib64" 0 "$work/tree/lib64/libuntorn.so" '' tree/bin/untorn run -- sh -c "$preload"
	if [ "$(${CC:-cc} -print-multiarch 2> messages)" = x86_64-linux-gnu ]; then
		mv tree/lib64/libuntorn.so tree/lib/x86_64-linux-gnu/untorn
		row "in a package's folder" 0 "$work/tree/lib/x86_64-linux-gnu/untorn/libuntorn.so" '' \
			tree/bin/untorn run -- sh -c "$preload"
	fi
	cp "$shim" tree/lib
	row "not beside another folder than bin" "$([ -z "$installed" ] && echo 125 || echo 0)" '*' '*' tree/libexec/untorn run true
	# shellcheck disable=SC2016 # these are not variables
	for folder in '$LIB' '${LIB}' 'x$ORIGIN' '$PLATFORM-x'; do
		mkdir "$folder" && cp "$untorn" "$shim" "$sim" "$folder"
		row "a folder with $folder" 125 '' 'untorn: the loader cannot*$ORIGIN, $LIB or $PLATFORM*' "$folder/untorn" run true
	done
	# shellcheck disable=SC2016 # these are not variables
	for folder in '$LIBS' '$lib' '{LIB}' 'a$' '$'; do
		mkdir "$folder" && cp "$untorn" "$shim" "$folder"
		row "a folder with $folder" 0 "$work/$folder/libuntorn.so" '' "$folder/untorn" run -- sh -c "$preload"
	done
	row "a folder with a space" 125 '' 'untorn: the loader cannot*a space/libuntorn.so;*' \
		'a space/untorn' run true
	row "a folder with a colon" 125 '' 'untorn: the loader cannot*a:colon/libuntorn.so;*' \
		'a:colon/untorn' run true
}

verbs
usage
environment
program
crafted
static_programs
deep
rights
places
ended
