# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# bash completion of untorn. Verbs and options are those that its help names, so that there is no
# second list of them.

_untorn_offer() { # WORDS
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "${COMP_WORDS[COMP_CWORD]}")
}

_untorn_verbs() { "$1" --help 2> /dev/null | sed -nE 's/^  untorn +([a-z]+) .*/\1/p'; }

# "--mode=auto|off" is offered as --mode=auto and --mode=off, "--sim=SPEC" as --sim=, and "--report[=FILE]"
# with and without its value.
_untorn_options() {
	"$1" "$2" --help 2> /dev/null | sed -nE 's/^  (--[^ []+)\[(=[A-Z]+)\].*/\1\n\1\2/p; s/^  (--[^ []+).*/\1/p' | while IFS='=' read -r option value; do
		case $value in
		'') echo "$option" ;;
		[A-Z]*) echo "$option=" ;;
		*) sed "s/^/$option=/; s/|/\n$option=/g" <<< "$value" ;;
		esac
	done
}

_untorn_processes() { compgen -W "$(cd /proc && echo [0-9]*)" -- "${COMP_WORDS[COMP_CWORD]}"; }
_untorn_files() { compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$1"); }
_untorn_devices() { compgen -G "${COMP_WORDS[COMP_CWORD]:-/dev/}*" | grep -E '^/dev/(nvme[0-9]+n|sd|$)'; }

# Where the program of `untorn run` stands, or 0.
_untorn_program() {
	local i
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--) echo $((i + 1)); return ;;
		= | :) i=$((i + 1)) ;; # bash takes --mode=auto for three words
		-*) ;;
		*) echo $i; return ;;
		esac
	done
	echo 0
}

_untorn() {
	local verb=${COMP_WORDS[1]} word=${COMP_WORDS[COMP_CWORD]} program
	[ "$COMP_CWORD" -gt 1 ] || { _untorn_offer "$(_untorn_verbs "$1") --help --version"; return; }
	[ "$verb" != run ] || program=$(_untorn_program)
	if [ "${program:-0}" -gt 0 ] && [ "$program" -le "$COMP_CWORD" ]; then
		declare -F _command_offset > /dev/null && _command_offset "$program"
	elif [ "$COMP_CWORD" -gt 4 ] && _untorn_is_log_file; then
		_untorn_files "${word#:}"
	elif [[ $word == -* ]]; then
		_untorn_offer "$(_untorn_options "$1" "$verb")"
		[[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
	elif [ "$word" = = ] || [ "${COMP_WORDS[COMP_CWORD - 1]}" = = ]; then
		_untorn_value "$1" "$verb"
	elif [ "$verb" = run ]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$word")
	elif [ "$verb" = stat ]; then
		mapfile -t COMPREPLY < <(_untorn_processes)
	else
		mapfile -t COMPREPLY < <(_untorn_devices)
	fi
}

# The value behind "--mode" and "=": what the help calls FILE or LOG is a file, and so is what stands behind the
# level's colon, which readline takes for the end of a word.
_untorn_value() { # COMMAND VERB
	local option=${COMP_WORDS[COMP_CWORD - 1]} kind
	[ "$option" != = ] || option=${COMP_WORDS[COMP_CWORD - 2]}
	[ "${COMP_WORDS[COMP_CWORD]}" != = ] || COMP_WORDS[COMP_CWORD]=
	kind=$("$1" "$2" --help 2> /dev/null | sed -nE "s/^  $option\[?=([A-Z]+).*/\1/p")
	case $kind in
	FILE | LOG) _untorn_files "${COMP_WORDS[COMP_CWORD]}" ;;
	DEVICE) mapfile -t COMPREPLY < <(_untorn_devices) ;;
	LEVEL) _untorn_offer "off error info debug" ;;
	NAMES) mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}") ;;
	*) _untorn_offer "$(_untorn_options "$1" "$2" | sed -n "s/^$option=//p")" ;;
	esac
}

# Behind "--log=info:" stands a file. Bash takes the colon for a word of its own.
_untorn_is_log_file() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	[ "$word" = : ] && [ "${COMP_WORDS[COMP_CWORD - 3]}" = --log ] && return
	[ "$before" = : ] && [ "${COMP_WORDS[COMP_CWORD - 4]:-}" = --log ]
}

complete -F _untorn untorn
