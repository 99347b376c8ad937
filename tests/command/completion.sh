#!/bin/bash
# SPDX-License-Identifier: MIT
# What bash offers for a half-written command line, and that zsh reads its file at all.
set -u
case $BUILD in *address* | *thread*) echo "SKIP: the completions are not compiled"; exit 77 ;; esac
PATH=$(realpath "$BUILD"):$PATH
. shim/share/untorn.bash
rows=0 failed=0
compopt() { :; } # which is for readline alone

# Words as bash parts them: "=" is one of its own.
while IFS='|' read -r line expected; do
	rows=$((rows + 1)) COMPREPLY=()
	read -ra COMP_WORDS <<< "${line//=/ = }"
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
untorn |run doctor stat publish verify --help --version
untorn r|run
untorn run --m|--mode=auto --mode=command --mode=off
untorn run --s|--sim=
untorn run --mode=|auto command off
untorn run --mode=c|command
untorn run --mode=off --any|--anyway
untorn run ca|cat
untorn run --r|--report --report=
untorn doctor --j|--json
untorn stat --|--all --json --histogram --metrics --watch
untorn run --hist|--histogram
untorn stat |1
untorn doctor --nvme-limits=n|namespace
END
echo "$rows rows, $failed failed"
! command -v zsh > /dev/null || zsh -n shim/share/_untorn || failed=1
[ "$failed" = 0 ]
