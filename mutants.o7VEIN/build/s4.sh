. tests/vm/guest_scsi.sh
gone() { # COMMAND...
	chmod 666 $DISK
	coproc "$@" python3 build/gone.py $DISK
	read_to_go() { local line; while read -r line <&${COPROC[0]}; do [ "$line" = GO ] && return; echo "  $line"; done; }
	host=$(readlink -f /sys/block/${DISK##*/}/device); host=${host##*/}; host=${host%%:*}
	read_to_go
	echo 1 > /sys/block/${DISK##*/}/device/delete
	sleep 0.3
	echo >&${COPROC[1]}
	read_to_go
	echo "- - -" > /sys/class/scsi_host/host$host/scan
	sleep 0.5; chmod 666 $DISK $SG 2>/dev/null
	echo >&${COPROC[1]}
	read_to_go
	wait; ls -l $DISK $SG
}
user() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
$START
echo $DISK $SG;
[ "$NATIVE" ] && { echo native;  gone env; }
echo shim; gone build/untorn run --mode=$MODE --
chmod 666 $SG
echo shim, by sg; gone user build/untorn run --mode=$MODE --
