#!/bin/bash
# SPDX-License-Identifier: MIT
# Tests the completions that bash offers for half-written command lines, and that zsh can read its file.
set -u
case $BUILD in *address* | *thread*) echo "SKIP: the completions are not compiled"; exit 77 ;; esac
PATH=$(realpath "$BUILD"):$PATH
. shim/share/untorn.bash
rows=0 failed=0
compopt() { :; } # only readline has it
_untorn_devices() { echo /dev/nvme0n1; } # independent of this machine

# The words are split as bash does it: "=" and ":" are words of their own.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/file1" "$work/file2"
cd "$work" || exit 1
while IFS='|' read -r line expected; do
	rows=$((rows + 1)) COMPREPLY=()
	line=${line//=/ = }
	read -ra COMP_WORDS <<< "${line//:/ : }"
	[[ $line != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_untorn untorn "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	offered=" ${COMPREPLY[*]} "
	for word in $expected; do
		[[ $offered == *" $word "* ]] && continue
		failed=$((failed + 1))
		echo "FAILED '$line' is not offered $word, but:$offered"
	done
done << 'END'
untorn |run doctor list stat publish verify --help --version
untorn r|run
untorn run --m|--mode=auto --mode=command --mode=off
untorn run --s|--sim=
untorn run --report=fi|file1 file2
untorn run --report=|file1 file2
untorn run --log=|off error info debug
untorn run --log=i|info
untorn run --log=info:|file1 file2
untorn run --log=info:file2|file2
untorn run --log=info:file2 ca|cat
untorn run --l|--log=
untorn run --o|--only=
untorn run --skip=ca|cat
untorn run --only=cat:dat|date
untorn run --only=cat:date ca|cat
untorn run --require=/dev/|/dev/nvme0n1
untorn verify --power-cut=f|file1 file2
untorn verify --check=f|file1 file2
untorn run --mode=|auto command off
untorn run --mode=c|command
untorn run --mode=off --any|--anyway
untorn run ca|cat
untorn run --r|--report --report=
untorn doctor --j|--json
untorn doctor --r|--report
untorn list --|--all --json --nvme-limits=namespace
untorn stat --|--all --json --histogram --metrics --watch
untorn run --hist|--histogram
untorn run --ru|--rules=linux --rules=device
untorn stat |1
untorn doctor --nvme-limits=n|namespace
END
echo "$rows rows, $failed failed"
cd - > /dev/null || exit 1
! command -v zsh > /dev/null || zsh -n shim/share/_untorn || failed=1
[ "$failed" = 0 ]
