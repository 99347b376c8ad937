# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# In a guest, after guest_scsi.sh: a disk that goes and comes back.

# Runs gone.py by a command while its disk is taken away and comes back; DISK and SG are then new.
take_away() { # SUFFIX-OF-THE-NODE START COMMAND...
	local host line pid
	host=$(readlink -f "/sys/block/${DISK##*/}/device")
	host=${host##*/}
	coproc GONE { "${@:3}" python3 tests/vm/gone.py "$DISK$1" "$2"; }
	pid=$GONE_PID
	exec {from}<&"${GONE[0]}" {to}>&"${GONE[1]}"
	while read -r line <&"$from"; do
		case $line in
		delete) echo 1 > "/sys/block/${DISK##*/}/device/delete"; sleep 0.2 ;;
		scan)
			echo "- - -" > "/sys/class/scsi_host/host${host%%:*}/scan"
			await find_disk "$VENDOR"
			chmod 666 "$DISK" "$SG"
			line=$DISK
			;;
		*) echo "$line"; continue ;;
		esac
		echo "$line" >&"$to"
	done
	exec {from}<&- {to}>&-
	wait "$pid" || true
}
