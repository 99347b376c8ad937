#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""notify_service.py DISK: a service of Type=notify. Makes one atomic write, and prints the name of each signal."""
import os
import signal
import socket
import sys

systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
systemd.connect(os.environ["NOTIFY_SOCKET"])

signals = signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
os.pwritev(os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT), [b"a" * 8192], 131072, 0x40)  # RWF_ATOMIC
systemd.send(b"READY=1")
heard = None
while heard != signal.SIGTERM:
    heard = signal.sigwait(signals)
    print("heard", heard.name, flush=True)
