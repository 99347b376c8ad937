# make            library, command and simulated disk
# make demo       shows what it is for, on the simulated disk; installs what it needs
# make check      every test; installs what it needs, real kernels run under QEMU
# make clients    liburing's own tests, PostgreSQL, MariaDB and QEMU at their usual work under the shim
# make bench      what it costs
# make V=1        show the commands
# make SAN=address,undefined unit preload     in a build directory of its own; SAN=thread likewise
# make install    honours prefix, bindir, libdir, includedir, mandir, DESTDIR
# Settings of your own go into config.mak (git-ignored).
VERSION := 0.1.0
-include config.mak
prefix     ?= /usr/local
bindir     ?= $(prefix)/bin
libdir     ?= $(prefix)/lib
includedir ?= $(prefix)/include
mandir     ?= $(prefix)/share/man
CFLAGS     ?= -O2 -g

# The source, floor by floor. A file includes headers of its own floor or of a lower one, never of
# a higher one; `make layers` refuses anything else. README.md says what each room is.
BASE   := cleanup guard uring_uapi memory config library real deep deep_signal sysfs counters log probe
RULES  := limits limits_nvme limits_scsi request entrance sense status reason
DEVICE := transport transport_nvme nvme_node identify transport_scsi inquiry scsi generic identity published \
	  device kept cache
ENGINE := account engine engine_async engine_statx aio files ring_map own_ring flight worker substitute ring_op ring ring_prepared ring_table ring_raw
DOORS  := entry entry_libc entry_aio entry_uring entry_uring_files entry_uring_raw entry_syscall entry_close \
	  entry_deep entry_deep_thread entry_deep_signal entry_deep_mask init
TOOL   := cmd cmd_run cmd_report cmd_stat summary cmd_check cmd_program cmd_preload cmd_doctor cmd_examine cmd_examine_layers cmd_examine_nvme cmd_examine_scsi cmd_publish \
	  evidence elf elf_calls
CORE   := $(BASE) $(RULES) $(DEVICE) $(ENGINE)
# The simulated disk is a library of its own, which shares nothing with the shim.
SIM    := $(notdir $(basename $(wildcard shim/sim*.c)))

comma := ,
B     := build$(if $(SAN),-$(subst $(comma),-,$(SAN)))
objs   = $(patsubst %.c,$(B)/%.o,$(wildcard $(1:%=shim/%.c)))
LIB   := $(B)/libuntorn.so
SIMLIB := $(B)/libuntorn-sim.so
CMD   := $(B)/untorn
UNIT    := $(patsubst %.c,$(B)/%,$(wildcard tests/test_*.c))
PRELOAD := $(patsubst %.c,$(B)/%,$(wildcard tests/preload_*.c))
SIMTEST := $(patsubst %.c,$(B)/%,$(wildcard tests/sim_*.c))
EXAMPLE := $(patsubst %.c,$(B)/%,$(wildcard examples/*.c))
CLIENT  := $(patsubst %.c,$(B)/%,$(wildcard tests/vm/*.c tests/bench/*.c))

SCRIPT  := $(wildcard tests/cmd_*.sh tests/shim_*.sh)
# The long ones first, so that none is left over at the end.
VMLONG  := $(wildcard tests/vm/test_truth*.sh)
VMTEST  := $(VMLONG) $(filter-out $(VMLONG),$(wildcard tests/vm/test_*.sh))

WARN  := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wundef
san   := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
cpp   := -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DLIBDIR='"$(libdir)"' -Iinclude -iquote shim -iquote tests -MMD -MP $(CPPFLAGS)
cc    := -std=gnu11 -fPIC -fvisibility=hidden $(WARN) $(san) $(CFLAGS)
ld    := $(san) -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)
check  = $(or $(CHECK_LIBS),$(shell pkg-config --libs check))
Q     := $(if $(V),,@)
say    = $(if $(V),,@printf '  %-5s %s\n' $(1) $@;)

all: $(LIB) $(SIMLIB) $(CMD) $(EXAMPLE)
shim: $(LIB) $(SIMLIB)
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(cpp) $(cc) -c -o $@ $<
$(LIB): $(call objs,$(CORE) $(DOORS)) shim.map
	$(call say,LINK)$(CC) -shared $(cc) $(ld) $(if $(SAN),,-Wl,-z,defs) \
		-Wl,--version-script=shim.map -Wl,-soname,$(@F) -o $@ $(filter %.o,$^) -ldl $(LDLIBS)
$(SIMLIB): $(call objs,$(SIM)) shim/sim.map
	$(call say,LINK)$(CC) -shared $(cc) $(ld) $(if $(SAN),,-Wl,-z,defs) \
		-Wl,--version-script=shim/sim.map -Wl,-soname,$(@F) -o $@ $(filter %.o,$^) -ldl -lpthread
$(CMD): $(call objs,$(CORE) $(TOOL))
$(CMD): LDLIBS += -ldl -ljson-c
$(UNIT): %: %.o $(B)/tests/main.o $(call objs,$(CORE))
# A test of one of the command's rooms brings that room along.
$(foreach room,$(TOOL),$(eval $(B)/tests/test_$(room): $(call objs,$(room))))
$(B)/tests/test_cmd_program: $(call objs,elf)
$(UNIT): LDLIBS += -ljson-c
$(PRELOAD) $(SIMTEST): %: %.o $(B)/tests/preload.o
$(EXAMPLE) $(CLIENT): %: %.o
# The engine without its command: see there.
$(B)/tests/bench/fences: $(call objs,$(CORE))
$(B)/tests/bench/ring: $(call objs,$(CORE))
$(B)/tests/bench/ring: LDLIBS += -ldl -luring $(addprefix -Wl$(comma)--wrap=engine_,start keep open_node is_sound prepare land finish)
$(B)/tests/bench/submit: LDLIBS += -luring -ldl
$(B)/tests/bench/fences: LDLIBS += -ldl -Wl,--wrap=real_ioctl -Wl,--wrap=sysfs_disk_link
$(B)/tests/bench/deep: LDLIBS += -ldl -lpthread
# What is under way, without disks: see there.
$(B)/tests/test_flight: LDLIBS += $(addprefix -Wl$(comma)--wrap=engine_,open_node is_sound prepare land finish)
$(UNIT) $(PRELOAD) $(SIMTEST): LDLIBS += $(check) -ldl
$(B)/tests/preload_aio: LDLIBS += -laio
$(B)/tests/preload_stat: LDLIBS += -luring
$(B)/tests/preload_faults: LDLIBS += -laio -luring
$(addprefix $(B)/tests/,preload_uring preload_ring_raw preload_registered preload_storm vm/truth vm/ring_random): LDLIBS += -luring
$(CMD) $(UNIT) $(PRELOAD) $(SIMTEST) $(EXAMPLE) $(CLIENT):
	$(call say,LINK)$(CC) $(cc) $(ld) -o $@ $(filter %.o,$^) $(LDLIBS)

# What a machine with a compiler, git and make still lacks.
setup:
	$(Q)tests/setup.sh pkg-config libjson-c-dev
setup-check: setup
	$(Q)tests/setup.sh check strace systemtap-sdt-dev libnvme1 libaio-dev liburing-dev python3 libcap2-bin libjemalloc2 musl-tools
demo: setup
	$(Q)$(MAKE) --no-print-directory all
	$(Q)examples/demo.sh $(B)
# All of it. Sub-makes, because pkg-config and the headers may only just have come.
check: setup-check
	$(Q)$(MAKE) -j$$(nproc) --no-print-directory programs
	$(Q)$(MAKE) -j$$(nproc) --no-print-directory SAN=address,undefined programs
	$(Q)$(MAKE) -j$$(nproc) --no-print-directory SAN=thread programs
	$(Q)$(MAKE) --no-print-directory layers exports
	$(Q)UNTORN_TEST_JOBS=2 $(MAKE) --no-print-directory check-fast
	$(Q)UNTORN_TEST_JOBS=2 $(MAKE) --no-print-directory SAN=address,undefined unit preload
	$(Q)UNTORN_TEST_JOBS=2 $(MAKE) --no-print-directory SAN=thread unit preload
	$(Q)$(MAKE) --no-print-directory check-vm mutants
programs: all $(UNIT) $(PRELOAD) $(SIMTEST) $(CLIENT)
check-fast: unit preload scripts
unit: $(UNIT)
	$(Q)tests/run.sh $(B) $(UNIT)
preload: $(LIB) $(SIMLIB) $(CMD) $(EXAMPLE) $(PRELOAD) $(SIMTEST)
	$(Q)tests/run.sh $(B) $(SIMTEST) $(PRELOAD)
scripts: $(LIB) $(SIMLIB) $(CMD) $(PRELOAD)
	$(Q)tests/run.sh $(B) $(SCRIPT)
# Real kernels under QEMU; skipped, and counted so, only where QEMU or a kernel cannot be had.
check-vm: $(LIB) $(SIMLIB) $(CMD) $(CLIENT)
	$(Q)$(MAKE) --no-print-directory SAN=address,undefined shim
	$(Q)$(MAKE) --no-print-directory SAN=thread shim
	$(Q)UNTORN_TEST_TIMEOUT=$${UNTORN_TEST_TIMEOUT:-2400} UNTORN_TEST_JOBS=2 tests/run.sh $(B) $(VMTEST)
# Every guard taken out in turn: a test must notice.
mutants: $(LIB) $(CMD) $(UNIT) $(PRELOAD) $(SIMLIB) $(CLIENT)
	$(Q)tests/mutants.sh $(B) . 1/2 & tests/mutants.sh $(B) . 2/2; last=$$?; wait $$! && exit $$last
# Unmodified programs that have no use for it must not notice it. Half an hour; see tests/clients/lib.sh.
clients: shim
	$(Q)tests/setup.sh g++ dpkg-dev make
	$(Q)UNTORN_TEST_SHOWN=1 UNTORN_TEST_TIMEOUT=$${UNTORN_TEST_TIMEOUT:-2400} tests/run.sh $(B) \
		$(filter-out %/lib.sh,$(wildcard tests/clients/*.sh))
bench: $(LIB) $(CMD) $(CLIENT)
	$(Q)tests/bench/fences.sh $(B)
	$(Q)tests/bench/ring.sh $(B)
	$(Q)tests/bench/deep.sh $(B)
layers:
	$(Q)tests/layers.sh "$(BASE)" "$(RULES)" "$(DEVICE)" "$(ENGINE)" "$(DOORS) $(TOOL)"
exports: $(LIB)
	$(Q)tests/exports.sh $(LIB)
install: $(LIB) $(SIMLIB) $(CMD)
	install -D -m 755 $(LIB) $(DESTDIR)$(libdir)/libuntorn.so
	install -D -m 755 $(SIMLIB) $(DESTDIR)$(libdir)/libuntorn-sim.so
	install -D -m 755 $(CMD) $(DESTDIR)$(bindir)/untorn
	install -D -m 644 include/untorn.h $(DESTDIR)$(includedir)/untorn.h
	install -D -m 644 include/untorn_uapi.h $(DESTDIR)$(includedir)/untorn_uapi.h
	install -D -m 644 man/untorn.1 $(DESTDIR)$(mandir)/man1/untorn.1
	install -D -m 644 man/libuntorn.7 $(DESTDIR)$(mandir)/man7/libuntorn.7
uninstall:
	rm -f $(DESTDIR)$(libdir)/libuntorn.so $(DESTDIR)$(libdir)/libuntorn-sim.so \
		$(DESTDIR)$(bindir)/untorn $(DESTDIR)$(includedir)/untorn.h \
		$(DESTDIR)$(includedir)/untorn_uapi.h $(DESTDIR)$(mandir)/man1/untorn.1 \
		$(DESTDIR)$(mandir)/man7/libuntorn.7
clean:
	rm -rf build build-*
.SECONDARY:
.PHONY: all shim programs setup setup-check demo check check-fast check-vm mutants clients bench scripts unit preload layers exports install uninstall clean
-include $(shell find $(B) -name '*.d' 2>/dev/null)
