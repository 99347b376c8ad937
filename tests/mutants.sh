#!/bin/bash
# SPDX-License-Identifier: MIT
# Takes each guard out in turn, in a copy of the source, and runs the tests that watch over it: they
# must fail. tests/mutants.sh BUILD-DIR [NAME-PATTERN [PART/PARTS]]. A guard whose removal nobody notices
# is not tested; a line here that no longer changes the source is an error too.
set -u
pattern=${2:-.} part=${3:-1/1}
work=$(realpath "$(mktemp -d -p . mutants.XXXXXX)")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # some tests become another user
cp -a Makefile shim.map shim include tests examples "$1" "$work"
cd "$work" || exit 1
build=$(basename "$1")
# What writes past an array shall not get away with it; what hangs need not hang for a minute.
export CFLAGS='-O2 -g -fsanitize=bounds -fsanitize-undefined-trap-on-error'
export CK_TIMEOUT_MULTIPLIER=0.2

# NAME|FILE|SED EXPRESSION|TESTS ("fences", "user": tests/vm/fences.c, guest_user.sh, on Linux 6.1)
mutants() {
	all_mutants | awk -F'|' -v pattern="$pattern" -v part="${part%/*}" -v parts="${part#*/}" \
		'$1 ~ pattern && (++n - part) % parts == 0'
}
all_mutants() {
	cat <<'END'
data that is NULL|engine.c|s/if (!command.data)/if (0)/|preload_write
the kernel's own checks first|engine.c|s/if (result != -EOPNOTSUPP)/if (0)/|preload_write
read-only descriptors, with root's rights|engine.c|s/== O_RDONLY)/== -1)/|fences
partition's start|engine.c|s/(request->start + request->offset) \/ request->block/request->offset \/ request->block/|preload_write
FUA for O_DSYNC|engine.c|s/(request->open_flags & (O_DSYNC . O_SYNC))/0/|preload_scsi
FUA for RWF_DSYNC|engine.c|s/(request->rwf & (RWF_DSYNC . RWF_SYNC))/0/|preload_write
page cache before|engine.c|s/cache_is_clear(fd, request->offset, (uint32_t)request->length)/1/|fences
page cache written back|engine.c|/^static int check_and_prepare/,/^}/s/int error = cache_prepare(.*/int error = 0;/|fences
what the kernel says of the range|cache.c|s/RWF_NOWAIT) == -EINVAL/RWF_NOWAIT) != -EAGAIN/|fences
errno|engine.c|/^ssize_t engine_write/,/^}/s/KEEP_ERRNO;/;/|preload_guest
cancellation under way|entry.c|/^ssize_t entry_write/,/^}/s/pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);/state = PTHREAD_CANCEL_ENABLE;/|preload_guest
right given up|device.c|s/, &now) < 0 .. !is_told_in_full(&now))/, \&now) < 0)/|user
larger than the hardware takes|limits.c|s/min(min(queue->max_hw, guaranteed_bytes(queue, page_size)), LIMITS_MAX)/min(guaranteed_bytes(queue, page_size), LIMITS_MAX)/|test_limits
more segments than fit|limits.c|s/min(min(queue->max_hw, guaranteed_bytes(queue, page_size)), LIMITS_MAX)/min(queue->max_hw, LIMITS_MAX)/|test_limits
room to prepare|limits.c|s/page_size)), LIMITS_MAX)/page_size)), 1u << 31)/|test_limits
published by a link|published.c|s/O_RDONLY . O_NOFOLLOW/O_RDONLY/|test_published
published in a directory of root's|published.c|s/!only_root_writes(directory, S_IFDIR) .. !only/!only/|test_published
page cache after|engine.c|s/cache_finish(fd, request->offset, command.length);//|fences
native lane only where it suffices|engine.c|s/native->unit_max >= ours->unit_max/1/|test_engine
no lane for what is no disk|engine.c|s/return device->transport ? LANE_COMMAND : LANE_KERNEL/return LANE_COMMAND/|test_engine
same disk|identity.c|s/a->disk == b->disk/1/|test_identity test_device
same start|identity.c|s/a->start == b->start/1/|test_identity test_device
same block size|identity.c|s/a->block == b->block/1/|test_identity test_device
block size of disk and kernel agree|device.c|s/device->disk.block != device->identity.block/0/;s/device->disk.block != device->queue.block/0/|test_published preload_write preload_guest
child of vfork only reads|device.c|s/if (!is_own_memory())/if (0)/|test_device
signals blocked under the lock|device.c|s/GUARDED;//|test_device
lock made anew after a fork|device.c|s/lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;//|test_device
refusals of the moment are not kept|device.c|s/return !device->error && /return /|preload_hazard test_engine test_device
full table|device.c|s/used == MAX_DEVICES/0/|test_device
asked again|device.c|s/known->asked, memory_order_relaxed) == this_second()/known->asked, memory_order_relaxed) != 0/|preload_hazard
zoned|limits.c|s/if (queue->zoned)/if (0)/|test_limits
boundary that holds the unit|limits.c|s/device->max > device->boundary/0/|test_limits test_limits_nvme
chunk|limits.c|s/return chunk && device->max > chunk/return 0/|test_limits
unit that the queue cannot take|limits.c|s/device.unit_min > limit)/0)/|test_limits
partition off the boundary|limits.c|s/start % grain == 0/1/|test_limits
NABO|limits_nvme.c|s/if (f.nabo)/if (0)/|test_limits_nvme
fields that are not valid|limits_nvme.c|s/(f.nsfeat & NSFEAT_NSABP) && //|test_limits_nvme
metadata|limits_nvme.c|s/return REFUSAL_METADATA/return REFUSAL_NONE/|test_nvme_format
type 2|limits_nvme.c|s/format->protection == 2/0/|test_nvme_format
SCSI type 2|limits_scsi.c|s/f->protection == 2/0/|test_limits_scsi
SCSI page too short|limits_scsi.c|s/if (!fields.has_limits)/if (0)/|test_limits_scsi
SCSI granularity|limits_scsi.c|s/unit_max % grain == 0/1/|test_limits_scsi
SCSI sums that overflow|limits_scsi.c|s/max \* f.block > UINT32_MAX/0/|test_limits_scsi
power of two|request.c|s/!is_pow2(r->length)/0/|test_request
natural alignment|request.c|s/r->offset % r->length/0/|test_request
one segment|request.c|s/r->segments != 1/0/|test_request
O_DIRECT|request.c|s/r->open_flags & O_DIRECT ?/1 ?/|test_request
end of the partition|request.c|s/r->offset + r->length > r->size/0/|test_request
above the unit|request.c|s/r->length > limits->unit_max/0/|test_request
below the unit|request.c|s/r->length < limits->unit_min/0/|test_request
across the boundary|request.c|s/crosses_boundary(r, limits->boundary)/0/|test_request
off a physical block|request.c|s/is_cut(r, limits->max)/0/|test_request
read-only|request.c|s/if (request->read_only)/if (0)/|test_request
swap|request.c|s/if (request->swap)/if (0)/|test_request
memory's alignment|request.c|s/(r->address & r->dma_mask)/0/|test_request
published by root|published.c|s/st.st_uid == 0/1/|test_published
written by root alone|published.c|s/!(st.st_mode & (S_IWGRP . S_IWOTH))/1/|test_published
published about this disk|published.c|s/record->diskseq != expected->diskseq/0/;s/record->inode != expected->inode/0/|test_published
published and formatted since|published.c|s/record->block != expected->block/0/|test_published
published by us, in this version|published.c|s/memcmp(record->magic, magic, sizeof(magic)) != 0/0/|test_published
published whole|published.c|s/length == sizeof(\*ret_record) + sizeof(\*ret_identity) ? 0/1 ? 0/|test_published
positive status is no success|transport_nvme.c|s/if (status > 0)/if (0)/|test_transport_nvme
PRACT|transport_nvme.c|s/(disk->protected ? CONTROL_PRACT : 0)/0/|test_transport_nvme
reference tag|transport_nvme.c|s/disk->protected ? (uint32_t)command->lba : 0/0/|test_transport_nvme
retries end|transport_nvme.c|s/i < RETRIES/i < 99/|test_transport_nvme
sense of a failure|transport_scsi.c|s/while (!error && sense_to_errno(&outcome))/while (0)/|preload_scsi
SCSI retries end|transport_scsi.c|s/return (\*retries)-- > 0/return (*retries)-- > -9/|preload_scsi
SCSI signals|transport_scsi.c|s/pthread_sigmask(SIG_SETMASK, &all, &before);/sigprocmask(0, NULL, \&before);/|test_transport_scsi
no promise without the right to send|transport_scsi.c|s/!means(&disk, fd, &error)/0/|preload_scsi
residue|sense.c|s/!error && outcome->residue/0/|test_sense preload_scsi
deferred errors|sense.c|s/!sense->valid .. sense->deferred/!sense->valid/|test_sense
node of the same address|generic.c|s/is_node_of(generic, node)/1/|test_generic
disk that is alive|generic.c|s/is_alive(generic, fd)/1/|test_generic
number that leads to the disk|identity.c|s/by_fd == by_number/1/|test_generic
partition is not taken for its disk|sysfs.c|s/bool found = stat(path, .st) == 0/int fd = real_open(AT_FDCWD, path, O_RDONLY); bool found = fd >= 0; errno = ENOENT/|test_identity
address that the number leads to|generic.c|s/ \&\& is_at_its_address(generic)//|test_generic
library that lacks a symbol|library.c|s/if (!function)/if (0)/|test_library
fork while a library is opened|library.c|s/atomic_compare_exchange_strong(&library->state, &opening, ABSENT);/(void)opening;/|test_library
descriptor kept for a device|engine_async.c|s/if (job->is_kept \&\& !kept_is_of(job->fd, \&job->device))/if (0)/|test_engine_async
registered buffer|engine_async.c|s/call->registered ? 2 : //|preload_uring
segments that cannot be read|memory.c|s/return answer != MISSING/return true/|preload_aio
unreadable memory of a bad write|memory.c|s/return ask(&byte, address, 1) != MISSING/return true/|preload_write
libaio's order|entrance.c|s/{ is_open, flags, is_writable,/{ is_open, is_writable, flags,/|test_entrance
io_uring's order|entrance.c|s/{ import, is_open, is_writable,/{ is_open, is_writable, import,/|test_entrance
result of an event|aio.c|s/event->res = ops\[i\].work.result/event->res = 16384/|preload_aio
io_submit stops at a bad one|aio.c|s/while (ready < count \&\& !error)/while (ready < count)/|preload_aio
io_destroy waits|aio.c|/^long aio_destroy/,/^}/s/await_all(context)/(void)await_all/|preload_aio
io_cancel|aio.c|s/is_known(context, iocb))/0)/|preload_aio
eventfds that were closed|aio.c|s/fcntl(fd, F_GETSIG) == MARK/1/|preload_aio
eventfds after a fork|aio.c|/aio_after_fork(void)/,/^}/s/close(ops\[i\].eventfd);/;/;s/ops\[i\].eventfd = -1;//;s/atomic_store(\&used, 0)/(void)0/|preload_aio
no signals for workers|worker.c|/^void worker_start/,/^}/s/GUARDED;//|test_worker
workers of a child|worker.c|s/threads = idle = queued = 0/(void)0/|test_worker
one work, one thread|worker.c|s/queued >= idle/threads == 0/|test_worker
what drains waits|ring_prepared.c|s/if (found.drain)/if (0)/|preload_uring
nothing is taken out before what drains|ring_prepared.c|s/.at_once = found.drain/.at_once = false/|preload_uring
nothing is done behind what drains|ring.c|s/batch->drained .= .*;/;/|preload_uring
the ring's end waits|ring_prepared.c|/^void ring_before_exit/,/^}/s/ring_op_await(.*);//|preload_ring_fds
chain after a failure|ring.c|s/bool goes_on = handled == RING_DONE/bool goes_on = handled != RING_LEFT/|preload_uring
chain behind something else|ring.c|s/(!batch->in_chain .. batch->open) \&\& //|preload_uring
rings that are polled|ring.c|s/(batch->flags \& IORING_SETUP_IOPOLL)/0/|preload_uring
what is not understood|ring.c|s/ \&\& is_understood(sqe)//|preload_uring
failures of the quiet|ring_op.c|s/work->result < 0 .. !op->quiet/!op->quiet/|preload_uring
ring that is another one|ring_op.c|s/error == -EBADF .. error == -EBADFD/0/|preload_ring_fds
entries put back|ring_raw.c|s/\*saved->place = saved->was;/;/|preload_ring_raw
indices put back|ring_raw.c|s/__atomic_compare_exchange_n(slot, .*/(void)index;/|preload_ring_raw
nothing behind a bad entry|ring_raw.c|s/__ATOMIC_ACQUIRE) == before/__ATOMIC_ACQUIRE) == ~before/|preload_ring_raw
ring's end by close|entry_close.c|/^EXPORT int close(int/,/^}/s/before(.*/;/|preload_ring_raw
ring's end by close_range|entry_close.c|/^EXPORT int close_range/,/^}/s/before(.*/;/|preload_ring_raw
close waits|entry_close.c|s/ring_op_await(first, last);//|preload_ring_raw
close forgets our own|entry_close.c|s/substitute_before_close(first, last);//|preload_ring_raw
dup2 closes|entry_close.c|/^EXPORT int dup2/,/^}/s/before(.*/;/|preload_ring_raw
dup3 closes|entry_close.c|/^EXPORT int dup3/,/^}/s/before(.*/;/|preload_ring_raw
status of a command in a ring|flight.c|s/work->result = (int)engine_land(&work->job, status);/work->result = 4096;/|test_flight
what a ring does not do|flight.c|s/if (!work->result) {/if (0) {/|test_flight
kernel that refuses commands in a ring|flight.c|s/note_refusal(status);/;/|test_flight
node of another number|nvme_node.c|s/has_number(node, device, name) \&\&//|test_nvme_node
node that is no device|nvme_node.c|s/ .. !S_ISCHR(st.st_mode)//|test_nvme_node
node of another namespace|nvme_node.c|s/real_ioctl(node, NVME_IOCTL_ID, NULL) == (int)nsid/1/|test_nvme_node
node of a disk that has gone|nvme_node.c|s/identity_is_current(fd, device))/1)/|test_nvme_node
no ring for libaio|engine_async.c|s/job->has_node .= form != FORM_AIO;//|test_engine_async
closing our descriptor of a ring waits|ring_op.c|s/ .. (own >= first \&\& own <= last)//|preload_ring_fds
disk that breaks|flight.c|s/error == -EACCES .. error == -EPERM/error/|test_flight
disk that is gone, by a ring|flight.c|s/ .. !is_sound(flight, &work->job)//|test_flight
disk that goes between what is sent together|flight.c|/^void flight_gather/,/^}/s/flight->proof.known = false;//|test_flight
data that is NULL, by a ring|flight.c|s/ \&\& work->job.request.address//|test_flight
another file after a command|ring.c|s/batch->file.known = false;//|preload_ring_fds
another file after a command of libaio's|aio.c|s/file->known = false;//|preload_aio
asked again after a command by itself|flight.c|s/flight->proof.known = false; ...*$//|test_flight
log: a disk is none|log.c|s/ \&\& !S_ISBLK(ret_st->st_mode)//|cmd_report.sh
another file beside it|engine_async.c|s/file->known \&\& file->fd == call->fd/file->known/|preload_ring_fds
disk that does not answer|own_ring.c|s/IORING_ENTER_EXT_ARG, &argument, sizeof(argument)/0, NULL, 0/|test_flight
close lets go|entry_close.c|s/ring_table_before_close(first, last);//|preload_ring_raw
ring by index|ring_table.c|s/= raw ? raw->id : 0/= 0/|preload_registered
index of a ring that is another one|ring_table.c|s/raws\[i\].id == id/1/|preload_registered
no polling thread|ring_raw.c|s/make_believe(raw, params, asked->flags);//|preload_ring_raw
the kernel says who may poll|ring_raw.c|s/!may_poll(&asked)/false/|preload_ring_raw
a polled ring is for all|ring_raw.c|s/ . IORING_SETUP_SINGLE_ISSUER };/ };/|preload_ring_raw
slots by system calls|files.c|/^void files_after_register/,/^}/s/opcode == IORING_REGISTER_FILES_UPDATE)/0)/|preload_registered
what cannot be polled|entrance.c|s/return e->direct ? 0/return 1 ? 0/|test_entrance
child of vfork keeps its parent's ring|ring_table.c|s/ \&\& getpid() == owner//|preload_ring_raw
no cancellation with the table of files|files.c|/^void files_set/,/^}/s/GUARDED;//|preload_registered
no signal with the table of writes|guard.c|s/pthread_sigmask(SIG_SETMASK, &all, &ret_guard->mask);/pthread_sigmask(SIG_BLOCK, NULL, \&ret_guard->mask);/|preload_ring_raw
slot that is another file|files.c|/^static void set/,/^}/s/drop(file);/;/|preload_registered
slot closed by an entry|files.h|s/return sqe->file_index != 0/return false/|preload_registered
verify: place of a sector|verify_page.c|s/is_intact(&sectors\[i\], offset, length, i)/is_intact(\&sectors[i], sectors[i].offset, sectors[i].length, i)/|test_verify_page
verify: sectors of several writes|verify_page.c|s/sequence != sight.sequence/0/|test_verify_page
verify: sector that is damaged|verify_page.c|s/return memcmp(&wanted, sector, sizeof(wanted)) == 0/return true/|test_verify_page
verify: record that is damaged|verify_log.c|s/ \&\& record->sum == sum_of(record)//|test_verify_log
verify: record of another page|verify_log.c|s/record->page < history->layout.pages/1/|test_verify_log
verify: older than acknowledged|verify_judge.c|s/sight->sequence >= known->sequence/1/|test_verify_judge
verify: lost out of order|verify_judge.c|s/known->index < kept_after/0/|test_verify_judge
verify: older than a reader may see|verify_judge.c|s/sight->sequence < least/0/|test_verify_judge
verify: acknowledged after the device|verify_power.c|s/int error = verify_target_write(.*/int error = verify_log_acknowledge(\&power->log, page, tag.sequence); error = verify_target_write(power->target, buffer, \&tag, power->durable);/|cmd_verify.sh
verify: what is on a device|verify_guard.c|s/is_occupied(fd, reason)) {/0) {/|cmd_verify.sh
verify: who uses a device|verify_guard.c|s/ \&\& is_used(st.st_rdev, reason)/ \&\& (*reason = 0)/|cmd_verify.sh
verify: claimed by another|verify_guard.c|s/told < VERIFY_TOLD ? O_EXCL : 0/0/|cmd_verify.sh
verify: log that is there already|cmd_verify.c|s/O_CREAT . O_EXCL/O_CREAT/|cmd_verify.sh
verify: log of another device|cmd_verify.c|s/if (size != history->layout.size)/if (0)/|cmd_verify.sh
slot changed by an entry|files.h|/case IORING_OP_FILES_UPDATE:/,/true/s/true/false/|preload_registered
counters: limit on the size of files|counters.c|/^static bool may_grow/,/^}/s/limit.rlim_cur >= sizeof(struct counters)/1/|test_counters
counters: memory that nobody can take away|counters.c|s/F_SEAL_SHRINK/0/|test_counters
counters: a file that is too short|counters.c|s/(size_t)st.st_size < sizeof(struct counters)/0/|test_counters
counters: another version's file|counters.c|s/counters->version == COUNTERS_VERSION/1/|test_counters
counters: one memory, of threads that come at once|counters.c|s/if (atomic_compare_exchange_strong(&current, &known, counters ? counters : &own))/atomic_store(\&current, counters);if (1)/|test_counters
counters: descriptor out of the way|counters.c|s/F_DUPFD_CLOEXEC, HIGH_NUMBER/F_DUPFD_CLOEXEC, 0/|preload_stat
counters: nothing for statx|account.c|s/counters_get_if_any()/counters_get()/|preload_stat
counters: shared with children|counters.c|/^static struct counters .map(/,/^}/s/MAP_SHARED/MAP_PRIVATE/|preload_stat
log: standard error that has become a file|log.c|s/st.st_ino == atomic_load(&start_inode)/1/|test_log preload_stat
log: a pipe without reader|log.c|s/pthread_sigmask(SIG_BLOCK, &ours, &mask)/pthread_sigmask(SIG_BLOCK, NULL, \&mask)/|test_log
log: the program's own signal|log.c|s/if (sigismember(&before, SIGPIPE))/if (0)/|test_log
log: as many lines as asked for|log.c|s/atomic_fetch_add_explicit(&lines, 1, memory_order_relaxed) < most/1/|test_log
account: entries that the kernel gets|ring.c|s/account_kernel(number, DOOR_IO_URING, 0)/(void)number/|preload_stat
account: failed commands|account.c|s/counters_add(&door->errors, 1)/(void)0/|preload_stat
deep mode in new threads|entry_deep_thread.c|s/deep_arm(mine.hides);/;/|preload_deep
what a thread is to know of its mask|entry_deep_thread.c|s/deep_arm(mine.hides);/deep_arm(false);/|preload_deep_signal
places of threads that were not made|entry_deep_thread.c|/EXPORT int pthread_create/,/^}/s/give_back(start);/;/|preload_deep
deep mode in children|deep.c|s/if (deep_this.armed)/if (0)/|preload_deep
new threads with SIGSYS blocked|deep.c|s/SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&ours/SYS_rt_sigprocmask, SIG_UNBLOCK, 0/|preload_deep
no unloading in deep mode|deep.c|s/!error \&\& !real_stay()/0/|preload_deep
SIGSYS is not blocked|deep_signal.c|s/sigdelset(&without, SIGSYS);//|preload_deep_signal
SIGSYS is blocked as far as is told|deep_signal.c|s/if (ret_before \&\& hides)/if (0)/|preload_deep_signal
SIGSYS in masks of handlers|deep_signal.c|s/^	unblock();//|preload_deep_handler
SIGSYS in a context's mask|deep_signal.c|s/sigdelset(&machine->uc_sigmask, SIGSYS);//|preload_deep_handler
handlers that interrupt us are outside|deep_signal.c|s/deep_this.selector = has_room(machine) ? DEEP_TRAP : DEEP_PASS;/deep_this.selector = has_room(machine) ? selector : DEEP_PASS;/|preload_deep_handler
handlers of before|deep_signal.c|s/^	take_over_handlers();/	(void)take_over_handlers;/|preload_deep
small alternate stacks|deep_signal.c|s!left >= frame + ROOM!1!|preload_deep_handler
SIGSYS that is not ours|entry_deep.c|s/if (info->si_code != SYS_USER_DISPATCH)/if (0)/|preload_deep_signal
SIGSYS that nobody handles|deep_signal.c|s/^		die();/		return;/|preload_deep_signal
SIGSYS stays ours|entry_deep_signal.c|/^EXPORT int sigaction/,/^}/s/if (signal == SIGSYS .. deep_is_here())/if (0)/|preload_deep_signal
SIGSYS stays ours, by system calls|entry_deep_signal.c|/^long entry_deep_sigaction/,/^}/s/if (signal == SIGSYS)/if (0)/|preload_deep_signal
returns by the program's instruction|entry_deep_signal.c|s/mine->restorer = deep_restorer();/;/|preload_deep_handler
handlers of a child of vfork|entry_deep_signal.c|s/action && deep_is_here() ?/action ?/|preload_deep_signal
handlers that are told|deep_signal.c|s/return handler == (void .)relay ? known : handler;/return handler;/|preload_deep_signal
masks set by instruction|entry_deep.c|s/if (number == SYS_rt_sigprocmask)/if (0)/|preload_deep_signal
alternate stacks set by instruction|entry_deep.c|s/if (number == SYS_sigaltstack)/if (0)/|preload_deep_handler
frames left by instruction|entry_deep.c|s/case SYS_rt_sigreturn:.*/case -2:/|preload_deep_handler
children by instruction|entry_deep.c|s/case SYS_clone:/case -2:/|preload_deep
trapped again after a child by instruction|entry_deep.c|s/movb .1, %fs:(%rcx)/nop/|preload_deep
thread pointer set by instruction|entry_deep.c|s/registers.REG_RDI. == ARCH_SET_FS/0/|preload_deep
no cancellation by instruction|entry_deep.c|s/pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);/state = 0;/|preload_deep
errno after a trapped call|entry_deep.c|s/KEEP_ERRNO;/;/|preload_deep
liburing's own calls|entry_uring.h|s/DEEP_INSIDE;  */;/|preload_ring_raw
END
}

in_guest() { # TEST
	local disk="64M;;atomic.nawun=31,atomic.nawupf=31"
	case $1 in
	fences) tests/vm/vm -d "$disk" -- "$build/untorn run -- $build/tests/vm/fences /dev/nvme0n1" ;;
	user) tests/vm/vm -c -d "$disk" -- bash tests/vm/guest_user.sh ;;
	esac
}

# 0 the test passed, 77 it cannot be had here, else it failed.
run_test() { # TEST
	local status=0
	case $1 in
	fences | user)
		make -s "$build/libuntorn.so" "$build/untorn" "$build/tests/vm/fences" "$build/tests/vm/statx_print" &&
			in_guest "$1"
		;;
	*.sh)
		make -s "$build/libuntorn.so" "$build/libuntorn-sim.so" "$build/untorn" || return 1
		tests/run.sh "$build" "tests/$1" > said || status=$?
		cat said
		return $status
		;;
	*)
		make -s "$build/libuntorn.so" "$build/tests/$1" || return 1
		tests/run.sh "$build" "$build/tests/$1" > said || status=$?
		cat said
		! grep -q ' 1 skipped$' said || return 77
		return $status
		;;
	esac
}

# A test that fails with all guards in place would prove nothing; nor would one that is skipped.
declare -A baseline
for test in $(mutants | cut -d'|' -f4 | tr ' ' '\n' | sort -u); do
	run_test "$test" > log 2>&1
	baseline[$test]=$?
	case ${baseline[$test]} in
	0) ;;
	77) echo "not to be had here: $test" ;;
	*) cat log; echo "fails with all guards in place: $test"; exit 1 ;;
	esac
done

# What the tests say of the source as it is now: missed, survived, untried, or why it is not built.
judge() { # TESTS...
	local test verdict=untried
	for test; do
		[ "${baseline[$test]}" = 0 ] || continue
		verdict=survived
		run_test "$test" > log 2>&1 && continue
		grep -m 1 '^shim/.*error:' log || echo missed
		return
	done
	echo $verdict
}

missed=0 untried=0 bad=0
while IFS='|' read -r name file expression tests <&3; do
	place=$(echo shim/*/"$file")
	cp -p "$place" saved
	sed -i "$expression" "$place"
	verdict="no longer there to be taken out"
	# shellcheck disable=SC2086
	cmp -s saved "$place" || verdict=$(judge $tests)
	case $verdict in
	missed) missed=$((missed + 1)) ;;
	untried) untried=$((untried + 1)) ;;
	*) bad=$((bad + 1)); echo "$name ($place; $tests): $verdict" ;;
	esac
	mv saved "$place"
	touch "$place"
done 3< <(mutants)
echo "$missed guards taken out and missed by a test, $bad not, $untried without a test that runs here"
[ $bad = 0 ]
