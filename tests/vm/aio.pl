#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# libaio by system calls alone: aio.pl DEVICE COUNT
# COUNT atomic writes of 512 to 16384 bytes, 8 at a time, each to a place of its own; then everything is
# read back. Prints "SECTOR SECTORS" of each.
use strict;
use warnings;
use Fcntl;

my ($device, $count) = @ARGV;
my ($setup, $destroy, $getevents, $submit) = (206, 207, 208, 209);
my ($direct, $pwritev, $atomic, $unit, $depth) = (040000, 8, 0x40, 16384, 8);

sub good {
	die "system call: $!" if $_[0] < 0;
	return $_[0];
}
sub address { return unpack("Q", pack("P", $_[0])) }

sysopen(my $disk, $device, O_RDWR | $direct) or die "$device: $!";
my $context = pack("Q", 0);
good(syscall($setup, 64, $context));
$context = unpack("Q", $context);
for (my $first = 0; $first < $count; $first += $depth) {
	my (@data, @vectors, @blocks);
	for my $number ($first .. $first + $depth - 1) {
		my $length = 512 << $number % 6;
		# Perl does not align strings: use the aligned part of a larger one.
		my $memory = "\0" x ($length + 4096);
		my $skip = -address($memory) % 4096;
		substr($memory, $skip, $length) = chr(97 + $number % 26) x $length;
		push @data, \$memory;
		push @vectors, pack("QQ", address($memory) + $skip, $length);
		push @blocks, pack("QLLSsLQQqQLL", $number, 0, $atomic, $pwritev, 0, fileno($disk),
			address($vectors[-1]), 1, $number * $unit, 0, 0, 0);
	}
	my $list = pack("P" x $depth, @blocks);
	good(syscall($submit, $context, $depth, $list)) == $depth or die "short";
	my $events = "\0" x (32 * $depth);
	good(syscall($getevents, $context, $depth, $depth, $events, 0)) == $depth or die "events";
	for my $i (0 .. $depth - 1) {
		my ($number, undef, $result) = unpack("QQq", substr($events, 32 * $i, 32));
		die "$number: $result" if $result != 512 << $number % 6;
		print $number * $unit / 512, " ", $result / 512, "\n";
	}
}
good(syscall($destroy, $context));
open(my $back, "<:raw", $device) or die "$device: $!";
for my $number (0 .. $count - 1) {
	my $length = 512 << $number % 6;
	seek($back, $number * $unit, 0);
	read($back, my $data, $length) == $length or die "read: $!";
	die "$number: other data" if $data ne chr(97 + $number % 26) x $length;
}
