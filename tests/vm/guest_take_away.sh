# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Included in a guest, after guest_scsi.sh: a disk that is removed and comes back.

# Runs gone.py by COMMAND; removes its disk and brings it back when gone.py asks. Sets DISK and SG to the new nodes.
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
