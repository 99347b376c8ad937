/* SPDX-License-Identifier: MIT */
/*
 * The table of holds: finds, makes, uses and releases them. Start reading at hold_get().
 *
 * A place's state is one word: READY, LEAVING, and the number of uses. Threads change it by
 * compare-and-swap: nobody waits. While a place is READY, its descriptor, node and identity are
 * only read. LEAVING is set once, and the last user closes the hold.
 *
 * A process may have several tables of descriptors (unshare(CLONE_FILES), vfork). A hold whose
 * number is not sound in the caller's table is passed over: neither used nor closed.
 */
#include "device/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/racy.h"
#include "base/real.h"
#include "device/hold_table.h"

enum { MAX_HOLDS = 128, FIRST_NUMBER = 512 /* programs that count descriptors start at 0 */ };

struct own {
	int fd;
	off_t position;
};

static struct hold holds[MAX_HOLDS];
struct hold *const hold_first = holds;
struct hold *_Atomic hold_end = holds; /* short loops: most processes have one or two holds */

/* These are the holds that this thread uses: a child forked in mid-write keeps them. The first FEW
 * are recorded one by one, further ones only counted. */
#define OWN __thread __attribute__((tls_model("initial-exec")))
enum { FEW = 4 };
static OWN struct hold *mine[FEW];
static OWN unsigned many;
static OWN bool once;

/* Another thread may refill a place that is not in use while these two functions read it. So a
 * caller that wants the hold asks again when it uses it. */

RACY bool hold_is_of_node(const struct hold *hold, const struct look *look)
{
	return hold->node.inode == look->inode && hold->node.filesystem == look->filesystem &&
	       hold->node.number == look->number;
}

RACY static bool is_of_mode(const struct hold *hold, const struct look *look)
{
	return (hold->node.flags & O_ACCMODE) == (look->flags & O_ACCMODE);
}

/* A hold that shares the program's open file is recognised by node and access mode. Another file of
 * the program may have the same ones. */
static bool is_node_of(const struct hold *hold)
{
	struct look now;

	if (look_at_node(hold->fd, &now) < 0 || !hold_is_of_node(hold, &now))
		return false;
	now.flags = fcntl(hold->fd, F_GETFL);
	return is_of_mode(hold, &now);
}

bool hold_is_sound(const struct hold *hold)
{
	off_t position = atomic_load_explicit(&hold->position, memory_order_relaxed);

	return position ? lseek(hold->fd, 0, SEEK_CUR) == position : is_node_of(hold);
}

static void begin_use(struct hold *hold)
{
	for (int i = 0; i < FEW; i++) {
		if (!mine[i]) {
			mine[i] = hold;
			return;
		}
	}
	many++;
}

void hold_hand_over(struct hold *hold)
{
	for (int i = 0; i < FEW; i++) {
		if (mine[i] == hold) {
			mine[i] = NULL;
			return;
		}
	}
	many -= many > 0;
}

unsigned hold_uses_here(const struct hold *hold)
{
	unsigned uses = 0;

	for (int i = 0; i < FEW; i++)
		uses += mine[i] == hold;
	return uses;
}

bool hold_are_many_here(void)
{
	return many > 0;
}

static bool use(struct hold *hold)
{
	unsigned state = atomic_load(&hold->state);

	begin_use(hold);
	while (is_ready(state)) {
		if (atomic_compare_exchange_weak(&hold->state, &state, state + 1))
			return true;
	}
	hold_hand_over(hold);
	return false;
}

void hold_for_once(bool value)
{
	once = value;
}

/* The mark of the number stays. Until the state is 0, the doors give the number to nobody. */
void hold_close(struct hold *hold)
{
	if (hold_is_sound(hold))
		real_close(hold->fd);
	atomic_store(&hold->state, 0);
}

/* Closes a hold after its last use. The program may meanwhile have opened another descriptor and
 * taken a lock, which this close would drop: then the hold stays, for that descriptor. */
static void close_late(struct hold *hold)
{
	if (hold_is_sound(hold) && hold_has_locks(hold->fd))
		atomic_store(&hold->state, hold->is_wrong ? 0 : READY);
	else
		hold_close(hold);
}

/* If a fork has ended the hold meanwhile, the state has no use to end. */
void hold_put(struct hold *hold)
{
	unsigned state = atomic_load(&hold->state);

	hold_hand_over(hold);
	while ((state & USES) && !atomic_compare_exchange_weak(&hold->state, &state, state - 1))
		continue;
	if (state == (READY | LEAVING | 1))
		close_late(hold);
}

void hold_forget(struct hold *hold)
{
	hold->is_wrong = true;
	atomic_fetch_or(&hold->state, LEAVING);
}

void hold_share(struct hold *hold)
{
	begin_use(hold);
	atomic_fetch_add(&hold->state, 1);
}

void hold_leave(struct hold *hold)
{
	unsigned state = atomic_load(&hold->state);

	while (is_ready(state)) {
		if (!atomic_compare_exchange_weak(&hold->state, &state, state | LEAVING))
			continue;
		if (!(state & USES))
			hold_close(hold);
		return;
	}
}

static bool is_for(const struct hold *hold, const struct look *look)
{
	return hold_is_of_node(hold, look) && is_of_mode(hold, look);
}

static bool serves(const struct hold *hold, const struct look *look)
{
	return is_for(hold, look) && hold->position && hold_is_sound(hold);
}

struct hold *hold_choose(struct hold *first, const struct look *look)
{
	if (serves(first, look))
		return first;
	hold_put(first);
	EACH_HOLD (hold) {
		if (hold == first || !is_for(hold, look) || !atomic_load(&hold->told) || !use(hold))
			continue;
		if (atomic_load(&hold->told) && serves(hold, look))
			return hold;
		hold_put(hold);
	}
	return NULL;
}

/* A check of the page cache is a direct write. A hold that shares the program's open file may have
 * lost O_DIRECT. */
static bool is_direct_enough(const struct hold *hold, const struct look *look)
{
	return hold->position || !(look->flags & O_DIRECT) || (fcntl(hold->fd, F_GETFL) & O_DIRECT);
}

struct hold *hold_recall(const struct look *node)
{
	EACH_HOLD (hold) {
		if (!hold_is_of_node(hold, node) || !atomic_load(&hold->told) || !use(hold))
			continue;
		if (hold_is_of_node(hold, node) && atomic_load(&hold->told))
			return hold;
		hold_put(hold);
	}
	return NULL;
}

void hold_tell(struct hold *hold, const struct device *device)
{
	if (!atomic_exchange(&hold->is_told, true))
		hold->device = *device;
	else if (!atomic_load(&hold->told))
		return; /* another thread is filling it in, or the hold is ending */
	else if (!device_is_same(&hold->device, device)) {
		atomic_store(&hold->told, 0);
		atomic_fetch_or(&hold->state, LEAVING);
		return;
	}
	atomic_store(&hold->told, device->told);
}

static struct hold *find(const struct look *look)
{
	EACH_HOLD (hold) {
		if (!is_ready(atomic_load(&hold->state)) || !is_for(hold, look) || !use(hold))
			continue;
		if (is_for(hold, look) && hold_is_sound(hold) && is_direct_enough(hold, look))
			return hold;
		hold_put(hold);
	}
	return NULL;
}

static int duplicate_from(int fd, int first)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, first);

	if (own < 0 && errno == EINVAL) /* RLIMIT_NOFILE is lower */
		own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return own < 0 ? -errno : own;
}

/* We have just got this number, so a hold that has it, and shares a file of the program's, was made
 * in another table of descriptors or was closed past the doors. Remove that hold, so that nobody
 * takes the new file for it. False: somebody uses the hold. */
static bool is_free_of_holds(int own)
{
	EACH_HOLD (hold) {
		unsigned idle = READY;
		if ((atomic_load(&hold->state) & READY) && hold->fd == own && !hold->position &&
		    !atomic_compare_exchange_strong(&hold->state, &idle, 0))
			return false;
	}
	return true;
}

int hold_duplicate(int fd)
{
	int own = duplicate_from(fd, FIRST_NUMBER);

	while (own >= 0 && !is_free_of_holds(own)) {
		int next = duplicate_from(fd, own + 1);
		real_close(own);
		own = next;
	}
	return own;
}

static bool is_what_was_seen(int own, const struct look *look)
{
	struct look now;
	int flags = fcntl(own, F_GETFL);

	return look_at_node(own, &now) == 0 && look_is_same_node(&now, look) && flags >= 0 &&
	       (flags & O_ACCMODE) == (look->flags & O_ACCMODE);
}

static struct hold *take_if(struct hold *hold, unsigned state)
{
	struct hold *end = atomic_load(&hold_end);

	if (!atomic_compare_exchange_strong(&hold->state, &state, TAKEN))
		return NULL;
	while (hold >= end && !atomic_compare_exchange_weak(&hold_end, &end, hold + 1))
		continue;
	return hold;
}

/* Takes a free place; else one that is not in use and not sound in this table of descriptors. */
static struct hold *take_place(void)
{
	struct hold *taken = NULL;

	for (int i = 0; i < MAX_HOLDS && !taken; i++)
		taken = take_if(&holds[i], 0);
	for (int i = 0; i < MAX_HOLDS && !taken; i++)
		taken = hold_is_sound(&holds[i]) ? NULL : take_if(&holds[i], READY);
	return taken;
}

RACY static void fill_in(struct hold *hold, const struct own *own, const struct look *look,
			 const struct identity *identity)
{
	hold->fd = own->fd;
	hold->position = own->position;
	hold->owner = getpid();
	hold->node = *look;
	hold->identity = *identity;
	hold->told = 0;
	hold->is_told = false;
	hold->node_tried = 0;
	hold->is_wrong = false;
}

static struct hold *place(const struct own *own, const struct look *look,
			  const struct identity *identity)
{
	struct hold *hold = take_place();

	if (!hold)
		return NULL;
	fill_in(hold, own, look, identity);
	look_mark((unsigned)own->fd);
	begin_use(hold);
	atomic_store(&hold->state, READY | 1 | (once ? LEAVING : 0));
	return hold;
}

/* Threads that come at once each make a hold. All then use the first one in the table, unless
 * closing their own would drop a lock. */
static struct hold *agree(struct hold *fresh, const struct look *look)
{
	struct hold *first = find(look);

	if (fresh && first && first != fresh && !hold_has_locks(fresh->fd)) {
		hold_leave(fresh);
		hold_put(fresh);
		return first;
	}
	if (fresh && first)
		hold_put(first);
	return fresh ? fresh : first;
}

/* Closes the descriptor, unless its number is another file by now or the close would drop the
 * program's locks. */
static void give_up(const struct own *own)
{
	if ((!own->position || lseek(own->fd, 0, SEEK_CUR) == own->position) &&
	    !hold_has_locks(own->fd))
		real_close(own->fd);
}

/* Reads the identity and puts the descriptor into the table, or gives it up if either fails. The
 * doors protect the number only once it is in the table: so hold_is_sound() proves it after
 * that. */
static int fill(const struct own *own, const struct look *look, struct hold **ret_hold)
{
	struct identity identity;

	int error = identity_read(own->fd, look->number, &identity);
	struct hold *fresh = error ? NULL : place(own, look, &identity);
	if (!fresh)
		give_up(own);
	if (error)
		return error;
	if (fresh && !hold_is_sound(fresh)) {
		hold_hand_over(fresh);
		atomic_store(&fresh->state, 0);
		return -EAGAIN;
	}
	*ret_hold = agree(fresh, look);
	return *ret_hold ? 0 : -ENOMEM;
}

/* While somebody holds a lock, a descriptor of ours cannot be closed again: each refused write
 * would leave one open. So identity_read(), which may fail, asks the program's number first. */
static int try_with_lock(int fd, const struct look *look)
{
	struct identity unused;

	return hold_has_locks(fd) ? identity_read(fd, look->number, &unused) : 0;
}

int hold_get(int fd, const struct look *look, struct hold **ret_hold)
{
	if ((*ret_hold = find(look)))
		return 0;
	int error = try_with_lock(fd, look);
	if (error)
		return error;
	struct own own;
	own.fd = hold_open(fd, look, &own.position);
	if (own.fd < 0)
		return own.fd;
	if (is_what_was_seen(own.fd, look))
		return fill(&own, look, ret_hold);
	give_up(&own);
	return -EAGAIN;
}
