#!/bin/bash
# SPDX-License-Identifier: MIT
# Removes each guard in turn, in a copy of the source, and runs the tests that watch it: one of them must fail.
# tests/mutants.sh BUILD-DIR [NAME-PATTERN [PART/PARTS]]. If all of them pass, no test covers the guard: that is
# an error. A line here that no longer changes the source is an error, too.
set -u
pattern=${2:-.} part=${3:-1/1}
work=$(realpath "$(mktemp -d -p . mutants.XXXXXX)")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # some tests become another user
cp -a Makefile shim.map shim include tests examples "$1" "$work"
cd "$work" || exit 1
build=$(basename "$1")
# What writes past an array shall not get away with it; what hangs need not hang for a minute, and what
# does not hang has time on a slow machine too: 12 s of 60, 10 where a test sets none.
export CFLAGS='-O2 -g -fsanitize=bounds -fsanitize-undefined-trap-on-error'
export CK_TIMEOUT_MULTIPLIER=0.2 CK_DEFAULT_TIMEOUT=50 UNTORN_RACE_SECONDS=0.5 # what hangs on chance has more of it

# NAME|FILE|SED EXPRESSION|TESTS ("fences", "user", "attributes": tests/vm/fences.c, guest_user.sh, guest_attributes.sh, on Linux 6.1)
mutants() {
	all_mutants | awk -F'|' -v pattern="$pattern" -v part="${part%/*}" -v parts="${part#*/}" \
		'$1 ~ pattern && (++n - part) % parts == 0'
}
all_mutants() {
	cat <<'END'
one look, one file|device/look.c|s/return atomic_load(&begun) == first->changes ? error : -EAGAIN;/return error;/|preload/races.sh
changes are told|device/look.c|/^void look_before_change/,/^}/s/atomic_fetch_add(&begun, 1);/;/|preload/races.sh
hold of the node that was seen|device/hold.c|s/if (is_what_was_seen(own.fd, look))/if (1)/|unit/hold
hold's own number|device/hold.c|/^bool hold_is_sound/,/^}/s/return .*/return true;/|unit/engine_async
hold ends before a close|door/close.c|/^static int close_marked/,/^}/s/CHANGE((unsigned)fd, (unsigned)fd);//|preload/hold
hold ends before a number is given away|door/close.c|/^static int dup_onto_marked/,/^}/s/CHANGE((unsigned)new, (unsigned)new);//|preload/hold
our numbers are not the program's to close|door/close.c|s/if (is_ours(fd))/if (0)/|preload/hold
close_range goes around ours|door/close.c|s/(own = hold_next(first)) <= last/(own = UINT_MAX) <= last/|preload/hold
a close that fails ends no hold|door/close.c|s/ \&\& is_open(old);/;/|preload/hold
locks of the program's, when a hold is made|device/hold_open.c|/^static int move_up/,/^}/s/hold_has_locks(fd) ? -EBUSY : //|preload/hold_lock
locks of the program's, when it asks by statx|engine/statx.c|s/ \&\& !hold_has_locks(q->dirfd))/)/|preload/hold_lock
locks of the program's, at its file's position|engine/engine.c|s/ \&\&$/ \&\&/;s/!hold_has_locks(call->fd)/1/|preload/hold_lock
position of the file that is written|engine/engine.c|s/bool by_own = call->offset == -1 .*/bool by_own = false;/|preload/races.sh
partition that ends within a block|engine/find.c|s/device->identity.partition \&\& \*ret_block > SECTOR/0/|preload/write
no answer is not a right to believe root's record|device/transport_nvme.c|s/if ((fd >= 0 \&\& !may_not_ask(error)) .. /if (/|unit/published
root of another user namespace|base/trusted.c|s/ \&\& !knows_root())/ \&\& 0)/|preload/user_namespace.sh
number that /sys does not know is no whole disk|base/sysfs.c|s/if (!found \&\& stat(path, &st) < 0)/if (0)/|unit/sysfs
no descriptor left|engine/own_table.c|s/make_room(run->keep);//|preload/hazard
disk that is gone while it is asked|device/device.c|s/if (error == -ENODEV .. error == -ENXIO)/if (0)/|preload/hazard
data that is NULL|engine/engine.c|s/if (!command.data)/if (0)/|preload/write
the kernel's own checks first|engine/find.c|s/if (result != -EOPNOTSUPP)/if (0)/|preload/write
partition's start|engine/engine.c|s/(request->start + request->offset) \/ request->block/request->offset \/ request->block/|preload/write
flush where there is no FUA|engine/engine.c|s/result > 0 \&\& engine_flushes(device, request)/0/|preload/scsi preload/write
FUA for a disk that does not know it|engine/engine.c|s/is_durable(request) \&\& device->queue.durable == DURABLE_BY_FUA/is_durable(request)/|preload/scsi
flush after a command among others|engine/finish.c|s/!engine_flushes(engine_device(job), \&job->request) \&\& //|unit/engine_async
no volatile cache|device/device.c|s/strcmp(cache, "write back") != 0/0/|preload/write
FUA for O_DSYNC|engine/engine.c|s/(request->open_flags & (O_DSYNC . O_SYNC))/0/|preload/scsi
FUA for RWF_DSYNC|engine/engine.c|s/(request->rwf & (RWF_DSYNC . RWF_SYNC))/0/|preload/write
page cache before|engine/judge.c|s/int error = cache_clear(.*/int error = 0;/|fences
disk formatted while its hold is known|engine/find.c|s/^	       block == hold->device.block;/	       1;/|fences
what a hold was told, long ago|engine/find.c|s/real_now() - hold->told < DEVICE_AGAIN/1/|preload/hazard
hold of the file that was looked at again|device/hold.c|/^static bool serves/,/^}/s/is_for(hold, look) \&\& //|preload/races.sh
hold: another answer than before|device/hold.c|s/else if (!device_is_same(&hold->device, device))/else if (0)/|preload/hazard
page cache written back|engine/judge.c|/^static int explain/,/^}/s/error = cache_prepare(.*/error = 0;/|fences
hold: a lock, and a refused write|device/hold.c|s/return hold_has_locks(fd) ? identity_read(fd, look->number, &unused) : 0;/return 0;/|unit/hold
hold: a number that a child takes|device/hold_end.c|s/hold->owner != getpid())/0)/|preload/hold_child
hold: our file among others on its node|device/hold.c|s/return position ? lseek(.*) == position : is_node_of(hold);/return is_node_of(hold);/|unit/hold_end
hold: a number that is being closed|device/hold_end.c|s/(unsigned)hold->fd == number \&\& !is_given_up(hold); i++/!is_given_up(hold) \&\& (atomic_load(\&hold->state) \& USES); i++/|unit/hold_end
hold: a position drawn anew|device/hold_open.c|s/if (getrandom(&number, sizeof(number), GRND_NONBLOCK) == sizeof(number))/number = atomic_fetch_add(\&calls, 2) + 4711;if (number)/|unit/hold_end
hold: a fork in mid-write|device/hold_end.c|/^RACY static void leave_to_child/,/^}/s/if (uses) {/if (0) {/|unit/hold_end
hold: a fork, and what other threads use|device/hold.c|/^void hold_hand_over/,/^}/s/mine\[i\] = NULL;/;/|unit/hold_end
one of several, another file|engine/find.c|s/file->look.number = 0;/;/|unit/engine_async
what has waited for a thread|engine/finish.c|s/now - job->since < SOON/1/|unit/engine_async
hold: a stale number|device/hold.c|s/while (own >= 0 \&\& !is_free_of_holds(own))/while (0)/|unit/hold_end
hold: its position is its own|device/hold_open.c|s/return lseek(own, position, SEEK_SET) == position ? position : 0;/return 0;/|unit/hold
hold: open elsewhere|device/hold_end.c|s/ .. is_open_elsewhere(&node, first, last)//|unit/hold preload/hold
hold: the position without a descriptor|engine/engine.c|s/there.fd == -EMFILE ? there.fd : ENGINE_KERNEL/ENGINE_KERNEL/|preload/hold
what the kernel says of the range|device/cache.c|s/errno == EINVAL ? 0/errno != EAGAIN ? 0/|fences
errno|engine/engine.c|/^ssize_t engine_write/,/^}/s/KEEP_ERRNO;/;/|preload/guest
cancellation under way|door/entry.c|/^ssize_t entry_write/,/^}/s/pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);/state = PTHREAD_CANCEL_ENABLE;/|preload/guest
right given up|device/device.c|s/return may_not_ask(now) ../return/|user
larger than the hardware takes|rules/limits.c|s/min(min(queue->max_hw, guaranteed_bytes(queue, page_size)), LIMITS_MAX)/min(guaranteed_bytes(queue, page_size), LIMITS_MAX)/|unit/limits
more segments than fit|rules/limits.c|s/min(min(queue->max_hw, guaranteed_bytes(queue, page_size)), LIMITS_MAX)/min(queue->max_hw, LIMITS_MAX)/|unit/limits
room to prepare|rules/limits.c|s/page_size)), LIMITS_MAX)/page_size)), 1u << 31)/|unit/limits
published by a link|base/trusted.c|s/O_RDONLY . O_NOFOLLOW/O_RDONLY/|unit/published
published in a directory of root's|base/trusted.c|/^int trusted_directory/,/^}/s/return only_if_root_writes(fd, S_IFDIR)/return fd/|unit/published
page cache after|engine/engine.c|s/cache_finish(hold->fd, request->offset, command.length);//|fences
native lane only where it suffices|engine/engine.c|s/native->unit_max >= ours->unit_max/1/|unit/engine
no lane for what is no disk|engine/engine.c|s/return device->transport ? LANE_COMMAND : LANE_KERNEL/return LANE_COMMAND/|unit/engine
same disk|device/identity.c|s/a->disk == b->disk/1/|unit/identity unit/device
same start|device/identity.c|s/a->start == b->start/1/|unit/identity unit/device
block size that changed|engine/find.c|/^static int know(/,/^}/s/file->own.block != block/0/|fences
block size of disk and kernel agree|device/device.c|s/(device->disk.block != device->block .. device->disk.block != device->queue.block)/0/|unit/published preload/write preload/guest
child of vfork closes its own|device/hold_end.c|s/ \&\& hold->owner != self/ \&\& 0/|preload/hold_child
holds of the parent end in a child|device/hold_end.c|/^RACY static void leave_to_child/,/^}/s/hold_close(hold);//|preload/hold_child
refusals of the moment are not kept|device/device.c|s/return !device->error && /return /|preload/hazard unit/engine unit/device
asked again|device/device.c|s/if (serves \&\& age < DEVICE_AGAIN)/if (serves)/|preload/hazard
zoned|rules/limits.c|s/if (queue->zoned)/if (0)/|unit/limits
boundary that holds the unit|rules/limits.c|s/device->max > device->boundary/0/|unit/limits unit/limits_nvme
chunk|rules/limits.c|s/return chunk && device->max > chunk/return 0/|unit/limits
unit that the queue cannot take|rules/limits.c|s/device.unit_min > limit)/0)/|unit/limits
partition off the boundary|rules/limits.c|s/start % grain == 0/1/|unit/limits
NABO|rules/limits_nvme.c|s/if (f.nabo)/if (0)/|unit/limits_nvme
fields that are not valid|rules/limits_nvme.c|s/(f.nsfeat & NSFEAT_NSABP) && //|unit/limits_nvme
metadata|rules/limits_nvme.c|s/return REFUSAL_METADATA/return REFUSAL_NONE/|unit/nvme_format
type 2|rules/limits_nvme.c|s/format->protection == 2/0/|unit/nvme_format
SCSI type 2|rules/limits_scsi.c|s/f->protection == 2/0/|unit/limits_scsi
SCSI page too short|rules/limits_scsi.c|s/if (!fields.has_limits)/if (0)/|unit/limits_scsi
SCSI granularity|rules/limits_scsi.c|s/unit_max % grain == 0/1/|unit/limits_scsi
SCSI sums that overflow|rules/limits_scsi.c|s/max \* f.block > UINT32_MAX/0/|unit/limits_scsi
power of two|rules/request.c|s/return is_pow2(length) && /return /|unit/request
natural alignment|rules/request.c|s/ && offset % length == 0;/;/|unit/request
one segment|rules/request.c|s/r->segments != 1/0/|unit/request
O_DIRECT|rules/request.c|s/r->open_flags & O_DIRECT ?/1 ?/|unit/request
end of the partition|rules/request.c|s/r->offset + r->length > r->size/0/|unit/request
above the unit|rules/request.c|s/r->length > limits->unit_max/0/|unit/request
below the unit|rules/request.c|s/r->length < limits->unit_min/0/|unit/request
across the boundary|rules/request.c|s/crosses_boundary(r, limits->boundary)/0/|unit/request
off a physical block|rules/request.c|s/is_cut(r, limits->max)/0/|unit/request
read-only|rules/request.c|s/if (request->read_only)/if (0)/|unit/request
swap|rules/request.c|s/if (request->swap)/if (0)/|unit/request
memory's alignment|rules/request.c|s/(r->address & r->dma_mask)/0/|unit/request
published by root|base/trusted.c|s/st.st_uid == 0/1/|unit/published
written by root alone|base/trusted.c|s/!(st.st_mode & (S_IWGRP . S_IWOTH))/1/|unit/published
published about this disk|device/published.c|s/record->diskseq != expected->diskseq/0/;s/record->inode != expected->inode/0/|unit/published_record
published and formatted since|device/published.c|s/record->block != expected->block/0/|unit/published_record
published by us, in this version|device/published.c|s/memcmp(record->magic, magic, sizeof(magic)) != 0/0/|unit/published_record
published whole|device/published.c|s/length == (ssize_t)(sizeof(\*ret_record) + size) ? 0/1 ? 0/|unit/published
way down: parts of a volume|rules/stack.c|s/worst == j->page/1/|unit/stack
way down: alignment from above|rules/stack.c|s/uint64_t align = smaller(own, smaller/uint64_t align = smaller(page, smaller/|unit/stack
way down: a layer below two|rules/stack.c|/^static void find_alignments/,/^}/{s/bool changed = true;/bool changed, once = true;/;s/while (changed) {/for (; once; once = false) {/}|unit/stack
way down: chunks|rules/stack.c|s/every % j->page == 0 \&\& j->align == j->page/1/|unit/stack
way down: merges|rules/stack.c|s/layer->queue.nomerges == 2/layer->queue.nomerges > 0/|unit/stack
way down: the paths merge|rules/stack.c|s/layer->kind == STACK_DISK \&\& !layer->has_paths/layer->kind == STACK_DISK/|unit/stack
way down: length|rules/stack.c|s/queue->max >= j->page/1/|unit/stack
way down: pieces of memory|rules/stack.c|s/queue->segments >= pieces/1/|unit/stack
way down: the disk's promise|rules/stack.c|s/limits->unit_max >= j->page/1/|unit/stack
way down: the disk's refusal|rules/stack.c|s/!limits->refusal \&\& limits->unit_max/limits->unit_max/;s/limits->unit_min <= j->page,/1,/|unit/stack
way down: the disk's alignment|rules/stack.c|s/j->align < limits->alignment/0/|unit/stack
way down: no answer is no yes|rules/stack.c|s/if (j->layer->error)/if (0)/|unit/stack
way down: a no before not knowing|rules/stack.c|s/(!\*ret_first .. (\*ret_first)->answer != STACK_NO)/!*ret_first/|unit/stack
pages: two pieces|rules/place.c|s/physical != walk->physical + (from - walk->at)/0/|unit/place
pages: a hole|rules/place.c|s/if (piece->start > walk->next)/if (0)/|unit/place
pages: unwritten, shared, encoded|rules/place.c|s/if (fault \&\& !walk->fault)/if (0)/|unit/place
pages: how they lie|rules/place.c|s/if (!walk->fault \&\& align < place->align)/if (0)/|unit/place
way down: all findings|rules/stack.h|s/STACK_LAYERS \* CONDITION_COUNT/STACK_LAYERS * 5/|unit/stack
way down: unknown before refused|rules/stack.c|s/if (layer->error \&\& layer->kind != STACK_DISK)/if (layer->error \&\& layer->kind < STACK_REFUSED \&\& layer->kind != STACK_DISK)/|unit/stack
way down: errors of /sys|stack/stack.c|s/return error == -ENOENT ? 0 : error ? error : 1;/return !error;/|unit/stack_describe
way down: errors of links|stack/stack.c|s/	if (error == -ENOENT)/	if (error)/;s/return error == -ENOENT ? 0 : error;/return 0;/|unit/stack_describe
way down: paths that nobody sees|stack/disk.c|s/disk->error = -ENXIO;/;/|unit/stack_describe
way down: more paths than fit|stack/disk.c|s/stack_refuse(disk, .*/;/|unit/stack_describe
way down: members that are missing|stack/array.c|s/members->count == wanted/1/|unit/stack_describe
way down: node of another|stack/stack.c|s/st.st_rdev == device/1/;s/S_ISBLK(st.st_mode)/1/|unit/stack_describe
way down: XFS realtime|rules/place.c|s/place->is_realtime/0/|unit/place
a folder's units|rules/place.c|s/place->unit % page == 0/1/|unit/place
a journal's data|rules/place.c|s/place->is_journaled/0/|unit/place
a file of somebody else's|verify/guard.c|s/O_EXCL . O_DIRECT/O_DIRECT/|command/verify.sh
a log of neighbours|verify/log.c|s/record->kind & DENSE }/0 }/|unit/verify_log
devices.conf: a mistake behind the line|device/decision.c|s/\*source = (struct decision_source){ is, number, { 0 } };/;/|unit/decision
devices.conf: the first line|device/decision.c|s/is = source->line ? 0 : is_about/is = is_about/|unit/decision
devices.conf: a line too long|device/decision.c|s/(end == LINE - 1 .. end != (size_t)length)/0/|unit/decision
devices.conf: no answer|device/decision.c|s/if (is_no_answer(source.error))/if (0)/|unit/decision
devices.conf: the environment first|device/decision.c|s/if (!set.nvme_policy)/if (1)/|unit/decision
devices.conf: the file before the record|device/decision.c|s/if (source.error == -ENOENT .. source.error == -EACCES)/if (!source.found.rules)/|unit/decision
devices.conf: a name that the disk lacks|device/decision.c|s/return error == -ENOENT ? 0 : error;/return error == -ENOENT ? 1 : error;/|unit/decision
devices.conf: blanks behind a name|device/decision.c|s/devices_conf_matches(pattern, trim(name))/devices_conf_matches(pattern, name)/|command/devices_conf.sh
devices.conf: neither half of a line|rules/devices_conf.c|s/return is_whole(&line);/return true;/|unit/devices_conf
devices.conf: a key twice|rules/devices_conf.c|s/ \&\& !line->pattern\[i\]//|unit/devices_conf
device rules, by disk|device/device.c|s/device->decision.rules == RULES_LINUX/config_get().decision.rules != RULES_DEVICE/|command/devices_conf.sh
policy, by disk|device/device.c|s/fd, number, device.decision.nvme_policy,/fd, number, NVME_POLICY_NAMESPACE,/|command/devices_conf.sh
positive status is no success|device/transport_nvme.c|s/	if (!status)$/	if (status >= 0)/|unit/transport_nvme
paths awaited|device/transport_nvme.c|s/return path_is_away(status) ? path_await(fd, patience->waits++) : 0;/return 0;/|unit/transport_nvme
paths do not count|device/transport_nvme.c|s/!status_is_of_path(status) \&\& status != -EWOULDBLOCK/1/|unit/transport_nvme
no path, no error|device/path.c|s/return errno == EIO .*/return 0;/|unit/transport_nvme
no path is no answer|device/identify.c|s/if (path_is_away(status))/if (0)/|unit/identify
PRACT|device/transport_nvme.c|s/(disk->protected ? CONTROL_PRACT : 0)/0/|unit/transport_nvme
reference tag|device/transport_nvme.c|s/disk->protected ? (uint32_t)command->lba : 0/0/|unit/transport_nvme
retries end|device/transport_nvme.c|s/patience->retries-- == 0/patience->retries-- == -9/|unit/transport_nvme
sense of a failure|device/transport_scsi.c|s/while (!error && sense_to_errno(&outcome))/while (0)/|preload/scsi
SCSI retries end|device/transport_scsi.c|s/return (\*retries)-- > 0/return (*retries)-- > -9/|preload/scsi
SCSI signals|device/transport_scsi.c|s/pthread_sigmask(SIG_SETMASK, &all, &before);/sigprocmask(0, NULL, \&before);/|unit/transport_scsi
SCSI commands sent once|device/transport_scsi.c|s/scsi_send_once(node, scsi, ret_outcome)/scsi_send(node, scsi, ret_outcome)/|unit/transport_scsi
SCSI answers awaited|device/scsi.c|s/fcntl(node, F_SETFL, 0) < 0/0/|unit/transport_scsi
no promise without the right to send|device/transport_scsi.c|s/!means(&disk, fd, &error)/0/|preload/scsi
no ring where there is a filter|engine/own_ring.c|s/filter > 0 ? -EPERM : //|preload/uring
no new thread behind a filter|engine/worker.c|s/(own_ring_may_be_wanted() \&\& beginning.filtered)/(0)/;s/!beginning->filtered \&\& flight_open/flight_open/|preload/uring
no descriptor left is no answer|engine/own_ring.c|/^static int find_out/,/^}/s/return 0;/return ASKED;/|preload/ring_object
files of a ring that is not known|async/files.c|s/(!ring \&\& is_about_files(opcode))/0/|unit/files
file that another ring is sent|async/files.c|s/opcode == URING_REGISTER_SEND_MSG_RING/0/|unit/files
locks of a registered file|async/files.c|s/if (hold_has_locks(file->fd))/if (0)/|unit/files
registered file that is in use|async/files.c|s/if (uses_end(&file->uses))/if (uses_end(\&file->uses), 1)/|unit/files
registered files that can be written|async/files.c|s/ .. !may_write(fd))/)/|unit/files
slot closed by an entry|async/files.h|s/return sqe->file_index ? FILES_OF_RING/return 0 ? FILES_OF_RING/|preload/registered
slot changed by an entry|async/files.h|/case IORING_OP_FILES_UPDATE:/,/return/s/FILES_OF_RING/FILES_STAY/|preload/registered
entries that change no slots|async/files.h|s/sqe->opcode > IORING_OP_LAST_KNOWN/sqe->opcode > 48/|unit/files
another thread's submission|async/ring_table.c|s/ring->issuer == number_of_this_thread() \&\&/1 \&\&/|preload/issuer
a child's submission|async/ring_table.c|s/	self = 0;/	;/;s/ring->issuing == getpid()/1/|preload/issuer
disabled rings|async/ring_table.c|s/	if (flags & IORING_SETUP_R_DISABLED)/	if (0)/|preload/issuer
ring by index|async/ring_table.c|s/= ring ? ring->id : 0/= 0/|preload/registered
index of a ring that is another one|async/ring_table.c|s/wanted->id ? ring->id == wanted->id/wanted->id ? 1/|preload/registered
child of vfork keeps its parent's ring|async/ring_table.c|s/rings\[i\].process == getpid() \&\& //|preload/ring_raw
number that is another ring's|async/ring_table.c|/^static bool has_its_inode/,/^}/s/st.st_ino == ring->inode/1/|unit/ring_table
number that says nothing|async/ring_table.c|s/if (by_number \&\& ring_table_is_at/if (ring_table_is_at/|preload/ring_object
ring that is in use|async/ring_table.c|s/if (uses_end(&ring->uses))/if (uses_end(\&ring->uses), 1)/|unit/ring_table
our descriptor is the ring's|async/ring_op.c|s/own < 0 .. ring_table_is_at(ring, own)/1/|preload/ring_object
closing our descriptor of a ring waits|async/ring_table.c|s/ .. is_in(rings\[i\].own, first, last)//|preload/ring_fds
the ring's end waits|async/ring_prepared.c|/^void ring_before_exit/,/^}/s/ring_op_await(ring);//|preload/ring_fds
what drains waits|async/ring_prepared.c|s/if (found->drain \&\& ring)/if (0)/|preload/uring
nothing is taken out before what drains|async/ring_prepared.c|s/.at_once = found->drain/.at_once = false/|preload/uring
attributes of a write|async/ring.c|s/ \&\& !attributes_of(sqe)//|preload/ring_object
what liburing refuses|door/uring.c|s/ring->features & URING_FEAT_MIN_TIMEOUT ?/1 ?/|preload/ring_object
a worker does not wait for itself|engine/worker.c|s/return !is_worker \&\& maker/return maker/|preload/ring_object
a child has no workers|engine/worker.c|s/ \&\& maker == getpid();/;/|preload/ring_object
workers end|engine/worker.c|s/(!late .. reserved)/1/|preload/ring_object
idle workers are woken|engine/worker.c|s/calls < idle ? calls : idle/0/|unit/worker preload/ring_object
what was accepted is done|door/init.c|s/	ring_op_await_all();//|preload/ring_object
as many as are wanted|base/pool.c|s/if (!pool->free)/if (0)/|preload/ring_object
workers of a child|engine/worker.c|s/threads = idle = queued = reserved = 0/(void)0/|unit/worker
events told apart by data|async/aio_table.c|s/op->data == event->data/1/|preload/aio_object
result of an event|async/aio_table.c|s/event->res = op->work.result/event->res = 16384/|preload/aio
io_destroy waits|async/aio.c|/^long aio_destroy/,/^}/s/aio_table_await(context);//|preload/aio
io_cancel|async/aio.c|s/aio_table_has(context, iocb))/0)/|preload/aio
signals closed under way|async/aio_table.c|/^void aio_table_before_close/,/^}/s/while (is_busy(&query))/while (0)/|preload/aio_object
signals that were closed|async/aio_signal.c|s/fcntl(fd, F_GETSIG) == MARK/1/|preload/aio_object
signal that was closed, of several|async/aio_table.c|/^void aio_table_before_close/,/^}/s/aio_signal_forget(first, last);//|preload/aio_object
signals closed unseen|async/aio_signal.c|s/if (prove \&\& /if (0 \&\& /|preload/aio_object
event that a ring did not bring|async/aio_table.c|s/aio_signal_fire_again(&op->signal);/;/|unit/aio_table
the way of a signal|async/aio_signal.c|s/	signal->full = !full;/	;/|unit/aio_table
filter that comes later|engine/flight.c|s/flight->filtered = prctl(.*/;/|unit/flight
attributes of a worker|engine/worker.c|s/		be_ordinary();/		;/|unit/worker
slot whose number is another disk's|async/ring.c|s/if (is_astray(batch, sqe, &job, result))/if (0)/|preload/ring_object
number of ours that the program has|async/ring_op.c|s/ \&\& ring_table_is_at(ring, ring->own))/)/|preload/ring_object
more signals than are kept|async/aio_signal.c|s/	if (vacant_count)$/	if (1)/|preload/aio_object
signals after a fork|async/aio_signal.c|/aio_signal_after_fork(void)/,/^}/s/real_close(kept\[i\].signal.fd);/;/;s/	begun = false;/	;/|preload/aio
another file after a command of libaio's|async/aio.c|s/engine_forget(&submission->file);//|preload/aio
libaio's writes are done before the end|door/init.c|s/	aio_table_await_all();//|preload/aio_object
pages in the way of one of several|engine/span.c|s/is_in(work, span) \&\& !clear)/0)/|unit/span
one of several that is refused|engine/span.c|s/		refuse(work, error);/		(void)refuse;/|unit/span
something in the way|device/cache.c|/^bool cache_is_clear/,/^}/s/ == -EINVAL/ != 1/|unit/span
what nobody has asked about|engine/finish.c|s/job->asks ? engine_ask(job) : REQUEST_GOOD/REQUEST_GOOD/|unit/engine_async
a filter is another thread's|base/filter.c|s,/proc/thread-self,/proc/self,|unit/filter
a filter that cannot be told|base/filter.c|s/		return fd;/		return 0;/|unit/filter
EPERM of a filter|engine/find.c|s/result == -EPERM .. result == -EACCES/0/|preload/guest
a plug-in's library|base/real.c|s/return loaded_find(library, name);/return NULL;/|preload/plugin.sh
links cut off|base/sysfs.c|s/length == TARGET_SIZE/0/|unit/sysfs
statx opens nodes|engine/statx.c|s/!device_may_be_disk(number)/0/|preload/quiet.sh
priorities that the kernel refuses|async/aio.c|s/has_usual_priority(iocb) \&\&//|preload/aio
residue|rules/sense.c|s/!error && outcome->residue/0/|unit/sense preload/scsi
deferred errors|rules/sense.c|s/!sense->valid .. sense->deferred/!sense->valid/|unit/sense
node of the same address|device/generic.c|s/is_node_of(generic, node)/1/|unit/generic
disk that is alive|device/generic.c|s/is_alive(generic, fd)/1/|unit/generic
number that leads to the disk|device/identity.c|s/by_fd == by_number/1/|unit/generic
partition is not taken for its disk|base/sysfs.c|s/bool found = stat(path, .st) == 0/int fd = real_open(AT_FDCWD, path, O_RDONLY); bool found = fd >= 0; errno = ENOENT/|unit/identity
address that the number leads to|device/generic.c|s/ \&\& is_at_its_address(generic)//|unit/generic
hold that was closed unseen|engine/finish.c|/^bool engine_is_sound/,/^}/s/return .*/return true;/|unit/engine_async
registered buffer|engine/engine.c|s/call->registered ? 2 : //|preload/uring
segments that cannot be read|base/memory.c|s/return answer != MISSING/return true/|preload/aio
unreadable memory of a bad write|base/memory.c|s/return ask(&byte, address, 1) != MISSING/return true/|preload/write
libaio's order|rules/entrance.c|s/{ is_open, flags, is_writable,/{ is_open, is_writable, flags,/|unit/entrance
io_uring's order|rules/entrance.c|s/{ import, is_open, is_writable,/{ is_open, is_writable, import,/|unit/entrance
addresses that are none|async/aio.c|s/return could_be(iocb) \&\& /return /|preload/aio_object
context that is none|async/aio.c|s/if (error .. nowhere < 0)/if (nowhere < 0)/|preload/aio_object
io_submit stops at a bad one|async/aio.c|s/while (ready < count \&\& !error)/while (ready < count)/|preload/aio
no signals for workers|engine/worker.c|/^void worker_start/,/^}/s/GUARDED;//|unit/worker
one work, one thread|engine/worker.c|s/queued >= idle/threads == 0/|unit/worker
nothing is done behind what drains|async/ring.c|s/batch->drained .= .*;/;/|preload/uring
chain after a failure|async/ring.c|s/bool goes_on = handled == RING_DONE/bool goes_on = handled != RING_LEFT/|preload/uring
chain behind something else|async/ring.c|s/(!batch->in_chain .. batch->open) \&\& //|preload/uring
rings that are polled|async/ring.c|s/(batch->flags \& IORING_SETUP_IOPOLL)/0/|preload/uring
what is not understood|async/ring.c|s/ \&\& is_understood(sqe)//|preload/uring
failures of the quiet|async/ring_op.c|s/work->result < 0 .. !op->quiet/!op->quiet/|preload/uring
ring that is another one|async/ring_op.c|s/error == -EBADF .. error == -EBADFD/0/|preload/ring_fds
entries put back|async/ring_raw.c|s/\*saved->place = saved->was;/;/|preload/ring_raw
indices put back|async/ring_raw.c|s/__atomic_compare_exchange_n(slot, .*/(void)index;/|preload/ring_raw
nothing behind a bad entry|async/ring_raw.c|s/__ATOMIC_ACQUIRE) == before/__ATOMIC_ACQUIRE) == ~before/|preload/ring_raw
ring's end by close|door/close.c|/^EXPORT int close(int/,/^}/s/before(.*/;/|preload/ring_raw
ring's end by close_range|door/close.c|/^EXPORT int close_range/,/^}/s/before(.*/;/|preload/ring_raw
close waits|door/close.c|s/ring_op_before_close(first, last);//|preload/ring_raw
close forgets our own|door/close.c|s/substitute_before_close(first, last);//|preload/ring_raw
dup2 closes|door/close.c|/^EXPORT int dup2/,/^}/s/before(.*/;/|preload/ring_raw
dup3 closes|door/close.c|/^EXPORT int dup3/,/^}/s/before(.*/;/|preload/ring_raw
status of a command in a ring|engine/flight.c|s/work->result = (int)engine_land(&work->job, status);/work->result = 4096;/|unit/flight
what a ring does not do|engine/flight.c|s/if (!work->result) {/if (0) {/|unit/flight
kernel that refuses commands in a ring|engine/flight.c|s/note_refusal(status);/;/|unit/flight
node of another number|device/nvme_node.c|s/has_number(node, device, name) \&\&//|unit/nvme_node
node that is no device|device/nvme_node.c|s/ .. !S_ISCHR(st.st_mode)//|unit/nvme_node
node of another namespace|device/nvme_node.c|s/real_ioctl(node, NVME_IOCTL_ID, NULL) == (int)nsid/1/|unit/nvme_node
node of a disk that has gone|device/nvme_node.c|s/identity_is_current(fd, device))/1)/|unit/nvme_node
disk that breaks|engine/flight.c|s/error == -EACCES .. error == -EPERM/error/|unit/flight
disk that is gone, by a ring|engine/flight.c|s/!is_sound(flight, &work->job))/0)/|unit/flight
disk that goes between what is sent together|engine/flight.c|/^void flight_gather/,/^}/s/flight->proof.known = false;//|unit/flight
data that is NULL, by a ring|engine/flight.c|s/ \&\& work->job.request.address//|unit/flight
another file after a command|async/ring.c|s/engine_forget(&batch->file);//|preload/ring_fds
asked again after a command by itself|engine/flight.c|s/flight->proof.known = false; ...*$//|unit/flight
log: a link is not followed|base/log.c|s/ . O_NOFOLLOW//|unit/log
publishers at once|device/published.c|/^int published_write/,/^}/s/getpid()/0/|unit/published
publish: a user namespace that does not know root|command/command.c|s/if (error == -EXDEV)/if (0)/|command/devices_conf.sh
doctor: a disk that is read-only|doctor/judge.c|s/p->read_only \&\& (/0 \&\& (/|command/doctor.sh
doctor: no answer is not a lack of rights|doctor/judge.c|s/return error == -EACCES .. error == -EPERM;/return true;/|command/doctor.sh
doctor: formats that are larger|doctor/formats.c|s/ .. format.block <= block)/)/|command/doctor.sh
doctor: formats that a kernel takes|doctor/formats.c|s/format.block <= (unsigned)sysconf(_SC_PAGESIZE)/1/|command/doctor.sh
doctor: controllers that cannot format|doctor/formats.c|s/return p->identity.nvme.controller\[CTRL_OACS\] & 2;/return true;/|command/doctor.sh
doctor: layers over disks that cannot|doctor/examine_layers.c|s/return evidence.verdict != VERDICT_NO;/return true;/|command/doctor_places.sh
doctor: limits of other disks|doctor/throttle.c|s/ \&\& line\[length\] == . .;/;/|command/doctor_places.sh
doctor: limits of a parent|doctor/throttle.c|s/if (!\*cgroup)/if (1)/|command/doctor_places.sh
doctor: limits on reads|doctor/throttle.c|s/return \*word == .w. \&\& /return /|command/doctor_places.sh
doctor: limits, and nothing that bypasses them|doctor/doctor.c|s/if (strcmp(evidence.lane, "command") == 0)/if (1)/|command/doctor_places.sh
report: told before the end|door/init.c|s/counters_end();.*/;/|command/report.sh
report: identifiers|doctor/drive.c|/^static void keep_back(/,/^}/s/= true/= false/|command/doctor_places.sh
report: the vendor's bytes|doctor/drive.c|s/{ 768, 1023 }, { 3072, 4095 }/{ 768, 1023 }, { 0, 0 }/|command/doctor_places.sh
report: Amazon's bytes|doctor/drive.c|s/bool amazon = .*/bool amazon = false;/|command/doctor_places.sh
report: this machine's names|doctor/drive.c|s/if (is_public(&e->facts\[i\]))/if (1)/|command/doctor_places.sh
list: partitions|doctor/list.c|s/return !sysfs_is_partition(number) \&\& /return /|command/list.sh
list: its order|doctor/list.c|s/return strverscmp(/return strcmp(/|command/list.sh
bytes that are no UTF-8|command/utf8.c|s/size_t length = length_of(text);/size_t length = 1;/|unit/utf8 command/doctor_places.sh
log: a disk is none|base/log.c|s/ \&\& !S_ISBLK(ret_st->st_mode)//|command/report.sh
report: nobody truncates the memory|report/report.c|s/fcntl(fd, F_ADD_SEALS, .*) < 0)/0)/|command/report.sh
report: no memory that can be truncated|base/counters_share.c|s/fd >= 0 \&\& is_sealed(fd)/fd >= 0/|unit/counters
report: another file than the memory|base/counters_share.c|s/held >= 0 \&\& is_memory(held)/held >= 0/|unit/counters
report: another process of that number|base/counters_share.c|s/st.st_ino == counters->report.namespace/1/|unit/counters
report: not printed|report/report.c|s/!print() .. fflush/print(), fflush/|unit/no_memory
stat: not printed|report/stat.c|s/output->list \&\& !print_json(wishes, output->list)/output->list \&\& !(print_json(wishes, output->list), 1)/|unit/no_memory
stat: no bound of the slowest|report/summary.c|/^uint64_t summary_bound/,/^}/s/COUNTERS_BUCKETS - 1/COUNTERS_BUCKETS/|unit/summary
report: counted from the start|door/init.c|s/counters_start();/;/|command/report.sh
report: a session of its own|report/reporter.c|s/setsid();/;/|command/report.sh
report: standard output is the program's|report/reporter.c|s/dup2(null, STDOUT_FILENO);/;/|command/report.sh
report: who gets the orphans|report/reporter.c|s/getpid() == 1 .. subreaper/0/|command/report.sh
report: the lengths of what is refused|engine/account.c|s/if (is_length_known(request))/if (0)/|command/report.sh
another file beside it|engine/engine.c|s/else if (file->fd != call->fd)/else if (0)/|preload/ring_fds
disk that does not answer|engine/own_ring.c|s/IORING_ENTER_EXT_ARG, &argument, sizeof(argument)/0, NULL, 0/|unit/flight
close lets go|door/close.c|s/ring_table_before_close(first, last);//|preload/ring_raw
slots by system calls|async/files.c|/^void files_after_register/,/^}/s/opcode == IORING_REGISTER_FILES_UPDATE)/0)/|preload/registered
what cannot be polled|rules/entrance.c|s/return e->direct ? 0/return 1 ? 0/|unit/entrance
no cancellation with the table of files|async/files.c|/^void files_set/,/^}/s/GUARDED;//|preload/registered
no signal with the table of writes|base/guard.c|s/pthread_sigmask(SIG_SETMASK, &all, &ret_guard->mask);/pthread_sigmask(SIG_BLOCK, NULL, \&ret_guard->mask);/|preload/ring_raw
slot that is another file|async/files.c|/^static void set/,/^}/s/drop(file);/;/|preload/registered
verify: place of a sector|verify/page.c|s/is_intact(&sectors\[i\], offset, length, i)/is_intact(\&sectors[i], sectors[i].offset, sectors[i].length, i)/|unit/verify_page
verify: sectors of several writes|verify/page.c|s/sequence != sight.sequence/0/|unit/verify_page
verify: sector that is damaged|verify/page.c|s/return memcmp(&wanted, sector, sizeof(wanted)) == 0/return true/|unit/verify_page
verify: record that is damaged|verify/log.c|s/ \&\& record->sum == sum_of(record)//|unit/verify_log
verify: record of another page|verify/log.c|s/record->page < history->layout.pages/1/|unit/verify_log
verify: older than acknowledged|verify/judge.c|s/sight->sequence >= known->sequence/1/|unit/verify_judge
verify: lost out of order|verify/judge.c|s/known->index < kept_after/0/|unit/verify_judge
verify: older than a reader may see|verify/judge.c|s/sight->sequence < least/0/|unit/verify_judge
verify: acknowledged after the device|verify/power.c|s/int error = verify_target_write_run(.*/int error = verify_log_acknowledge(\&power->log, first, tags[0].sequence); error = verify_target_write_run(power->target, buffer, tags, count, power->durable);/|command/verify.sh
verify: a failure that is at no place|verify/report.c|s/if (place.length)/if (1)/|unit/no_memory
verify: what is on a device|verify/guard.c|s/is_occupied(fd, reason)) {/0) {/|command/verify.sh
verify: who uses a device|verify/guard.c|s/ \&\& is_used(st.st_rdev, reason)/ \&\& (*reason = 0)/|command/verify.sh
verify: claimed by another|verify/guard.c|s/told < VERIFY_TOLD ? O_EXCL : 0/0/|command/verify.sh
verify: log that is there already|verify/verify.c|s/O_CREAT . O_EXCL/O_CREAT/|command/verify.sh
verify: log of another device|verify/verify.c|s/if (size != history->layout.size)/if (0)/|command/verify.sh
counters: limit on the size of files|base/counters.c|/^static bool may_grow/,/^}/s/limit.rlim_cur >= sizeof(struct counters)/1/|unit/counters
counters: memory that nobody can take away|base/counters.c|s/F_SEAL_SHRINK/0/|unit/counters
counters: a memory that is too short|base/counters_share.c|s/(size_t)st.st_size >= sizeof(struct counters)/1/|unit/counters
counters: another version's file|base/counters.c|s/counters->version == COUNTERS_VERSION/1/|unit/counters
counters: one memory, of threads that come at once|base/counters.c|s/if (atomic_compare_exchange_strong(&current, &known, counters ? counters : &own))/atomic_store(\&current, counters);if (1)/|unit/counters
counters: descriptor out of the way|base/counters.c|s/F_DUPFD_CLOEXEC, HIGH_NUMBER/F_DUPFD_CLOEXEC, 0/|preload/stat
counters: nothing for statx|engine/account.c|s/counters_get_if_any()/counters_get()/|preload/stat
counters: shared with children|base/counters_share.c|s/MAP_SHARED, fd, 0/MAP_PRIVATE, fd, 0/|preload/stat
log: standard error that has become a file|base/log.c|s/st.st_ino == atomic_load(&start_inode)/1/|unit/log preload/stat
log: a pipe without reader|base/log.c|s/pthread_sigmask(SIG_BLOCK, &ours, &mask)/pthread_sigmask(SIG_BLOCK, NULL, \&mask)/|unit/log
log: the program's own signal|base/log.c|s/if (sigismember(&before, SIGPIPE))/if (0)/|unit/log
log: as many lines as asked for|base/log.c|s/atomic_fetch_add_explicit(&lines, 1, memory_order_relaxed) < most/1/|unit/log
account: entries that the kernel gets|async/ring.c|s/account_kernel(look.number, DOOR_IO_URING, 0)/(void)look/|preload/stat
account: failed commands|engine/account.c|s/counters_add(&door->errors, 1)/(void)0/|preload/stat
deep mode in new threads|door/deep_thread.c|s/deep_arm(mine.hides);/;/|preload/deep
what a thread is to know of its mask|door/deep_thread.c|s/deep_arm(mine.hides);/deep_arm(false);/|preload/deep_signal
places of threads that were not made|door/deep_thread.c|/EXPORT int pthread_create/,/^}/s/give_back(start);/;/|preload/deep
deep mode in children|base/deep.c|s/if (deep_this.armed)/if (0)/|preload/deep
new threads with SIGSYS blocked|base/deep.c|s/SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&ours/SYS_rt_sigprocmask, SIG_UNBLOCK, 0/|preload/deep
SIGSYS is not blocked|base/deep_signal.c|s/sigdelset(&without, SIGSYS);//|preload/deep_signal
SIGSYS is blocked as far as is told|base/deep_signal.c|s/if (ret_before \&\& hides)/if (0)/|preload/deep_signal
SIGSYS in masks of handlers|base/deep_signal.c|s/^		unblock();/		;/|preload/deep_handler
SIGSYS in a context's mask|base/deep_signal.c|s/sigdelset(&context->uc_sigmask, SIGSYS);//|preload/deep_handler
handlers that interrupt us are outside|base/deep_signal.c|/go_outside/,/^}/s/deep_this.selector = deep_outside();/deep_this.selector = ret_before->selector;/|preload/deep_handler
handlers of before|base/deep_signal.c|s/^	take_over_handlers();/	(void)take_over_handlers;/|preload/deep
small alternate stacks|base/deep_signal.c|s!left >= deep_frame_size(context) + ROOM!1!|preload/deep_handler
SIGSYS that is not ours|door/deep.c|s/if (info->si_code == DEEP_DISPATCH)/if (1)/|preload/deep_signal
SIGSYS that nobody handles|base/deep_signal.c|s/^		die();/		return;/|preload/deep_signal
SIGSYS stays ours|door/deep_signal.c|/^EXPORT int sigaction/,/^}/s/if (signal == SIGSYS .. deep_is_here())/if (0)/|preload/deep_signal
SIGSYS stays ours, by system calls|door/deep_signal.c|/^long entry_deep_sigaction/,/^}/s/signal == SIGSYS ?/0 ?/|preload/deep_signal
returns by the program's instruction|door/deep_signal.c|s/mine->restorer = deep_restorer();/;/|preload/deep_handler
handlers of a child of vfork|door/deep_signal.c|s/action && deep_is_here() ?/action ?/|preload/deep_signal
handlers that are told|base/deep_signal.c|s/^	.handler = known->handler;/	;/|preload/deep_signal
masks set by instruction|door/deep.c|s/if (number == SYS_rt_sigprocmask)/if (0)/|preload/deep_signal
alternate stacks set by instruction|door/deep.c|s/case SYS_sigaltstack:/case -3:/|preload/deep_handler
frames left by instruction|door/deep.c|s/case SYS_rt_sigreturn:.*/case -2:/|preload/deep_handler
children by instruction|door/deep.c|s/case SYS_clone:/case -2:/|preload/deep
trapped again after a child by instruction|door/deep.c|s/movb .1, %fs:(%rcx)/nop/|preload/deep
thread pointer set by instruction|door/deep.c|s/deep_pointer_set(pointer, value);/;/|preload/deep_stack
thread pointer asked for by instruction|door/deep.c|s/result == 0 && pointer->is_theirs/0/|preload/deep_stack
thread pointers that are no program's|door/deep.c|s/if (value >= end)/if (0)/|preload/deep_stack
thread pointers that are 0|base/deep_pointer.c|s/	if (!pointer)/	if (0)/|preload/deep_stack
another's thread pointer in a trap|base/deep_pointer.c|s/else if (is_known(ours))/else if (0)/|preload/deep_stack
the program's thread pointer after a trap|base/deep_pointer.c|s/if (pointer->is_theirs)/if (0)/|preload/deep_stack
traps on the alternate stack|base/deep.c|s/SA_NODEFER . SA_ONSTACK/SA_NODEFER/|preload/deep_stack
frames on small alternate stacks|door/deep.c|s/return deep_signal_is_cramped(context) ../return /|preload/deep_stack
a disarming stack whose frame has moved|door/deep.c|s/	entry_deep_rearm(context);//|preload/deep_stack
alternate stacks without room for a frame|base/deep_signal.c|s/deep_this.tiny = .*/deep_this.tiny = frame \&\& !stack;/|preload/deep_stack
jumps off a small alternate stack|door/deep_signal.c|s/	deep_signal_recover();//|preload/deep_stack
asynchronous cancellation|door/deep.c|s/if (!entry_syscall_is_ours(number))/if (0)/|preload/deep_stack
masks that are told|base/deep_signal.c|s/return known->masks;/return false;/|preload/deep_stack
filters that go by the place|door/deep.c|s/deep_this.again = DEEP_MADE;/deep_this.again = DEEP_NONE;/|preload/deep_filter
caught again after a filter|door/deep.c|s/deep_this.left = true;/;/|preload/deep_filter
filters' signals that are ignored|base/deep_signal.c|s/(!is_function(handler) .. deep_this.hides)/deep_this.hides/|preload/deep_filter
filters' signals that are blocked|base/deep_signal.c|s/(!is_function(handler) .. deep_this.hides)/!is_function(handler)/|preload/deep_filter
no call that the program does not make|base/deep_signal.c|s/	if (is_interrupted_wait(context))/	if (context)/|preload/deep_filter
no cancellation by instruction|door/deep.c|s/pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);/state = 0;/|preload/deep
errno after a trapped call|door/deep.c|s/KEEP_ERRNO;/;/|preload/deep
AWUPF of one controller alone|rules/limits_nvme.c|s/return !f->cmic .. /return /|unit/limits_nvme
AWUPF where no namespace can be made|rules/limits_nvme.c|s/!(f->oacs & OACS_NAMESPACE_MANAGEMENT)/1/|unit/limits_nvme
AWUPF of one format|rules/limits_nvme.c|s/(f->fna & FNA_FORMAT_ALL) .. f->nn == 1/1/|unit/limits_nvme
files in /sys that the kernel has not found|door/attribute.c|s/errno == ENOENT) &&/0) \&\&/|attributes
files in /sys, for writing|door/attribute.c|s/ && (flags & O_ACCMODE) == O_RDONLY)/)/|attributes
files in /sys with the shim off|engine/attribute.c|s/config_get().mode == MODE_OFF/0/|attributes
files in /sys that are asked about|door/attribute.c|s/return result < 0 && concerns(false, path) ? look_instead/return 0 ? look_instead/|attributes
files in /sys that are listed|door/attribute_list.c|s/return entry ? note(folder, entry) : add(folder);/return entry;/|attributes
files in /sys, listed again|door/attribute_list.c|s/atomic_store(list ? list :/if (!list) atomic_store(/|attributes
files in /sys, listed with others|door/attribute_list.c|s/fetch_add(&begun, 1) % LISTS/load(\&begun)/|attributes
files in /sys, listed after many|door/attribute_list.c|s/return &lists.\(.*\) % LISTS.;/static _Atomic uintptr_t none; unsigned n = \1; return n < LISTS ? \&lists[n] : \&none;/|attributes
queue's folder, and no other|base/sysfs.c|s/fs.f_type != SYSFS_MAGIC/0/|unit/sysfs
valgrind, told beforehand|run/run.c|s/!cmd_check_makes_calls(program)/1/|preload/deep_programs.sh
valgrind, in the process|base/deep.c|s/if (config_preloads("vgpreload"))/if (0)/|preload/deep_programs.sh
another preload's syscall()|door/deep.c|s/if (outer == DEEP_NONE)/if (1)/|preload/deep_programs.sh
losses of deep mode are counted|base/deep.c|s/counters_add(&counters->uncaught, 1);/;/|preload/deep_programs.sh
losses of deep mode are told|base/deep.c|s/log_line("deep mode does not catch: %s", reasons.i.);/;/|preload/deep_programs.sh
device rules by choice alone|device/device.c|s/limits.most = 0;/;/|preload/rules
device rules: the longest write|rules/request.c|s/if (r->length > limits->most ../if (/|unit/request
device rules: granularity|rules/request.c|s/r->length % limits->granularity/0/|unit/request
device rules: alignment|rules/request.c|s/(r->start + r->offset) % limits->alignment/0/|unit/request
device rules: boundary|rules/request.c|/check_device_rules/,/^}/s/return crosses_boundary(r, limits->boundary) ?/return 0 ?/|unit/request
device rules: what one command takes|rules/limits.c|s/device.most = min(device.most, whole) /device.most = device.most /|unit/limits
entries that change files are looked at|async/ring.c|s/.IORING_OP_PIPE. = RING_KIND_CHANGES,//|unit/files
a ring laid out otherwise|async/ring_prepared.c|s/if ((uring->flags & ~(URING_SETUP_KNOWN . URING_SETUP_SQ_REWIND)) .. !concerns_us(uring))/if (!concerns_us(uring))/|preload/uring
liburing's own calls|door/uring.h|s/DEEP_INSIDE;  */;/|preload/ring_raw
simulated: a cut ends all that have the disk|sim/disk.c|s/sim_state_kill_others(disk);/;/|sim/tree
simulated: writes under way together|sim/disk.c|s/batch.left = writes;/batch.left = 0;/|sim/ring sim/aio
simulated: what was flushed is there|sim/cache.c|/^int sim_cache_flush/,/^}/s/sim_state(disk)->cache_end = 0;/;/|sim/tree
simulated: what was written past the cache is there|sim/cache.c|s/piece->durable .. //|sim/tree
simulated: a cache that is full|sim/cache.c|s/if (state->cache_end > 2 \* disk->cache)/if (0)/|sim/tree
simulated: data past the doors|sim/node.c|s/if (st.st_size)/if (0)/|sim/medium
simulated: a node's file that is another one|sim/node.c|/^static void learn(/,/^}/s/atomic_store/if (!known[node->disk->index * PLACES + place]) atomic_store/|sim/medium
simulated: mappings see what is written|sim/disk.c|s/if (!error \&\& !write->from_mirror)/if (0)/|sim/medium
simulated: readers see what mappings hold|sim/disk.c|s/sim_state(disk)->mirrored ? sim_mirror_fd(disk) : -1/-1/|sim/medium
simulated: what nobody synced is written at the end|sim/mirror.c|/^__attribute__((destructor))/,/^}/s/sim_mirror_write_back(sim_disk_at(i));/;/|sim/medium
simulated: a fork while a mapping is looked for|sim/mirror.c|s/pthread_atfork(NULL, NULL, unlock);/(void)unlock;/|sim/medium
simulated: somebody's image|sim/place.c|s/if (!is_ours(disk))/if (0)/|sim/tree
simulated: the power is on again|sim/state.c|s/if (!used)/if (0)/|sim/tree
simulated: processes count together|sim/state.c|s/if (!used)/if (1)/|sim/tree
simulated: a text that is too long|sim/environment.c|s/bad(&all);/;/|sim/texts
simulated: a relative image|sim/environment.c|s/tell_children(text);/;/|sim/tree
simulated: a position that others move|sim_doors/move.c|s/return whence == SEEK_CUR ? sim_next()->lseek(fd, offset, SEEK_CUR)/return 0 ? 0/|preload/races.sh
program that is not served|base/config.c|s/if (!is_served())/if (0)/|unit/config
path that the loader would read otherwise|command/preload.c|s/if (begins_with_token(place + 1))/if (begins_with_token(place + 1) \&\& !*place)/|unit/preload
sanitizer that comes first|command/preload.c|s/size_t first = length_of_sanitizer(rest);/size_t first = 0 * length_of_sanitizer(rest);/|unit/preload
variable that is misspelt|run/run.c|s/return status ? status : cmd_settings_check();/return status;/|command/reach.sh
program that env starts|run/program.c|s/else if (cmd_through_is_env(program))/else if (0)/|command/reach.sh
C library that is too old|run/loads.c|s/return \*lacks ? lacks : NULL;/return NULL;/|command/reach.sh
AddressSanitizer behind us|run/sanitizer.c|s/if (!is_sanitized(path)/if (1/|command/reach.sh
loader that is no static program|run/elf.c|s/ ? ELF_LOADER : ELF_STATIC/ ? ELF_STATIC : ELF_STATIC/|unit/elf
END
}

in_guest() { # TEST
	local disk="64M;;atomic.nawun=31,atomic.nawupf=31"
	case $1 in
	fences) tests/vm/vm -d "$disk" -- "$build/untorn run -- $build/tests/vm/fences /dev/nvme0n1" ;;
	user) tests/vm/vm -c -d "$disk" -- bash tests/vm/guest_user.sh ;;
	attributes) tests/vm/vm -d "$disk" -- bash tests/vm/guest_attributes.sh /dev/nvme0n1 build/untorn run -- ;;
	esac
}

# 0 the test passed, 77 it cannot be had here, else it failed.
run_test() { # TEST
	local status=0
	case $1 in
	fences | user | attributes)
		make -s "$build/libuntorn.so" "$build/untorn" "$build/tests/vm/fences" "$build/tests/vm/statx_print" "$build/tests/vm/addpart" &&
			in_guest "$1"
		;;
	*.sh)
		make -s "$build/libuntorn.so" "$build/libuntorn-sim.so" "$build/untorn" || return 1
		tests/run.sh "$build" "tests/$1" > said || status=$?
		cat said
		return $status
		;;
	*)
		make -s "$build/libuntorn.so" "$build/libuntorn-sim.so" "$build/tests/$1" || return 1
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
	# On a busy machine the short time that they have here may not do: twice.
	run_test "$test" > log 2>&1 || run_test "$test" > log 2>&1
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
	cp -p "shim/$file" saved
	sed -i "$expression" "shim/$file"
	verdict="no longer there to be taken out"
	# shellcheck disable=SC2086
	cmp -s saved "shim/$file" || verdict=$(judge $tests)
	case $verdict in
	missed) missed=$((missed + 1)) ;;
	untried) untried=$((untried + 1)) ;;
	*) bad=$((bad + 1)); echo "$name (shim/$file; $tests): $verdict" ;;
	esac
	mv saved "shim/$file"
	touch "shim/$file"
done 3< <(mutants)
echo "$missed guards taken out and missed by a test, $bad not, $untried without a test that runs here"
[ $bad = 0 ]
