# make            library, command and simulated disk
# make demo       shows what it is for, on the simulated disk; installs what it needs
# make check      every test; installs what it needs, real kernels run under QEMU
# make clients    liburing's own tests, PostgreSQL, MariaDB and QEMU at their usual work under the shim
# make bench      what it costs
# make V=1        show the commands
# make SAN=address,undefined unit preload     in a build directory of its own; SAN=thread likewise
# make packages   Debian packages: built, checked, installed, used and purged in fresh systems, and booted
# make builds     by other compilers, C libraries and for arm64
# make install    honours DESTDIR, prefix and the directories below; make uninstall the same
# make dist       the source as one archive
# Settings of your own go into config.mak (git-ignored).
VERSION := 0.1.0
-include config.mak
prefix     ?= /usr/local
bindir     ?= $(prefix)/bin
libdir     ?= $(prefix)/lib
includedir ?= $(prefix)/include
mandir     ?= $(prefix)/share/man
pkgconfigdir ?= $(libdir)/pkgconfig
bashdir    ?= $(prefix)/share/bash-completion/completions
zshdir     ?= $(prefix)/share/zsh/site-functions
udevdir    ?= $(prefix)/lib/udev/rules.d
unitdir    ?= $(prefix)/lib/systemd/system
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
	  evidence elf elf_calls cmd_verify verify_page verify_layout verify_log verify_report verify_signature verify_guard \
	  verify_target verify_crew verify_judge verify_race verify_power verify_check
CORE   := $(BASE) $(RULES) $(DEVICE) $(ENGINE)
# The simulated disk is a library of its own, which shares nothing with the shim.
SIM    := $(notdir $(basename $(wildcard shim/sim/*.c)))

comma := ,
B     := build$(if $(SAN),-$(subst $(comma),-,$(SAN)))
objs   = $(patsubst %.c,$(B)/%.o,$(wildcard $(1:%=shim/*/%.c)))
LIB   := $(B)/libuntorn.so
SIMLIB := $(B)/libuntorn-sim.so
CMD   := $(B)/untorn
UNIT    := $(patsubst %.c,$(B)/%,$(wildcard tests/test_*.c))
PRELOAD := $(patsubst %.c,$(B)/%,$(wildcard tests/preload_*.c))
SIMTEST := $(patsubst %.c,$(B)/%,$(wildcard tests/sim_*.c))
# Examples of a library that is not there are left out. (Make before 4.3 wants "\#" in $(shell), later ones do not.)
hash    := \#
has      = $(shell echo '$(hash)include <$(1)>' | $(CC) $(CPPFLAGS) -E - > /dev/null 2>&1 && echo yes)
lacking := $(if $(call has,libaio.h),,examples/libaio.c) $(if $(call has,liburing.h),,examples/io_uring.c)
EXAMPLE := $(patsubst %.c,$(B)/%,$(filter-out $(lacking),$(wildcard examples/*.c)))
CLIENT  := $(patsubst %.c,$(B)/%,$(wildcard tests/vm/*.c tests/bench/*.c))

SCRIPT  := $(wildcard tests/cmd_*.sh tests/shim_*.sh)
# The longest first, so that none is left over at the end; some are for check-long.
VMLONG  := tests/vm/test_truth_scsi.sh tests/vm/test_scsi_statx.sh
VMFIRST := tests/vm/test_truth.sh
VMTEST  := $(VMFIRST) $(filter-out $(VMFIRST) $(VMLONG),$(wildcard tests/vm/test_*.sh))

WARN  := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wundef
san   := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
cpp   := -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DLIBDIR='"$(libdir)"' -Iinclude $(patsubst %/,-iquote %,$(wildcard shim/*/)) -iquote tests -MMD -MP $(CPPFLAGS)
cc    := -std=gnu11 -fPIC -fvisibility=hidden $(WARN) $(san) $(CFLAGS)
ld    := $(san) -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)
# What every start of a program pays: two segments instead of four, and our own functions not looked
# up in all libraries. Sanitizers are to see what we call.
quick := -Wl,-O1,-z,noseparate-code$(if $(SAN),,$(comma)-Bsymbolic-functions)
check  = $(or $(CHECK_LIBS),$(shell pkg-config --libs check))
Q     := $(if $(V),,@)
say    = $(if $(V),,@printf '  %-5s %s\n' $(1) $@;)

all: $(LIB) $(SIMLIB) $(CMD) $(EXAMPLE)
shim: $(LIB) $(SIMLIB)
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(cpp) $(cc) -c -o $@ $<
$(LIB): $(call objs,$(CORE) $(DOORS)) shim.map
	$(call say,LINK)$(CC) -shared $(cc) $(ld) $(quick) $(if $(SAN),,-Wl,-z,defs) \
		-Wl,--version-script=shim.map -Wl,-soname,$(@F) -o $@ $(filter %.o,$^) -ldl -lpthread $(LDLIBS)
$(SIMLIB): $(call objs,$(SIM)) shim/sim/sim.map
	$(call say,LINK)$(CC) -shared $(cc) $(ld) $(if $(SAN),,-Wl,-z,defs) \
		-Wl,--version-script=shim/sim/sim.map -Wl,-soname,$(@F) -o $@ $(filter %.o,$^) -ldl -lpthread
$(CMD): $(call objs,$(CORE) $(TOOL))
$(CMD): LDLIBS += -ldl -lpthread -ljson-c
$(UNIT): %: %.o $(B)/tests/main.o $(call objs,$(CORE))
# A test of one of the command's rooms brings that room along.
$(foreach room,$(TOOL),$(eval $(B)/tests/test_$(room): $(call objs,$(room))))
$(B)/tests/test_cmd_program: $(call objs,elf)
$(B)/tests/test_verify_log: $(call objs,verify_page)
$(B)/tests/test_verify_layout: $(call objs,verify_page)
$(UNIT): LDLIBS += -ljson-c -lpthread
$(PRELOAD) $(SIMTEST): %: %.o $(B)/tests/preload.o
$(EXAMPLE) $(CLIENT): %: %.o
# The engine without its command: see there.
$(B)/tests/bench/fences: $(call objs,$(CORE))
$(B)/tests/bench/ring: $(call objs,$(CORE))
$(B)/tests/bench/ring: LDLIBS += -ldl -luring $(addprefix -Wl$(comma)--wrap=engine_,start keep open_node is_sound prepare land finish)
$(B)/tests/bench/calls $(B)/tests/bench/memory: LDLIBS += -luring -ldl
$(B)/tests/bench/disk: LDLIBS += -laio -luring -ldl
$(B)/tests/bench/fences: LDLIBS += -ldl -Wl,--wrap=real_ioctl -Wl,--wrap=sysfs_disk_link
$(B)/tests/bench/deep: LDLIBS += -ldl -lpthread
# What is under way, without disks: see there.
$(B)/tests/test_flight: LDLIBS += $(addprefix -Wl$(comma)--wrap=engine_,open_node is_sound prepare land finish)
$(B)/tests/test_nvme_node: LDLIBS += $(addprefix -Wl$(comma)--wrap=,sysfs_disk_name sysfs_disk_text real_open real_ioctl identity_is_current)
$(UNIT) $(PRELOAD) $(SIMTEST): LDLIBS += $(check) -ldl -lpthread
$(B)/tests/preload_aio $(B)/examples/libaio: LDLIBS += -laio
$(B)/examples/io_uring: LDLIBS += -luring
$(B)/tests/preload_stat: LDLIBS += -luring
$(B)/tests/preload_faults: LDLIBS += -laio -luring
$(addprefix $(B)/tests/,preload_uring preload_ring_fds preload_ring_raw preload_registered preload_storm vm/truth vm/ring_random): LDLIBS += -luring
$(CMD) $(UNIT) $(PRELOAD) $(SIMTEST) $(EXAMPLE) $(CLIENT):
	$(call say,LINK)$(CC) $(cc) $(ld) -o $@ $(filter %.o,$^) $(LDLIBS)

# What a machine with a compiler, git and make still lacks.
setup:
	$(Q)tests/setup.sh pkg-config libjson-c-dev systemtap-sdt-dev
setup-check: setup
	$(Q)tests/setup.sh check strace libnvme1 libaio-dev liburing-dev python3 libcap2-bin libjemalloc2 musl-tools
demo: setup
	$(Q)$(MAKE) --no-print-directory all
	$(Q)examples/demo.sh $(B)
# Sub-makes, because pkg-config and the headers may only just have come.
check: setup-check
	$(Q)$(MAKE) -j$$(nproc) --no-print-directory programs
	$(Q)$(MAKE) -j$$(nproc) --no-print-directory SAN=address,undefined programs
	$(Q)$(MAKE) -j$$(nproc) --no-print-directory SAN=thread programs
	$(Q)$(MAKE) --no-print-directory layers exports
	$(Q)UNTORN_TEST_JOBS=2 $(MAKE) --no-print-directory check-fast
	$(Q)UNTORN_TEST_JOBS=2 $(MAKE) --no-print-directory SAN=address,undefined unit preload
	$(Q)UNTORN_TEST_JOBS=2 $(MAKE) --no-print-directory SAN=thread unit preload
	$(Q)$(MAKE) --no-print-directory check-vm
# What takes half an hour more, after check: every guard taken out in turn, a test must notice; the truth tests
# with more kernels and random calls, under sanitizers, and for SCSI; statx of the SCSI geometries.
check-long: setup-check
	$(Q)$(MAKE) --no-print-directory mutants
	$(Q)UNTORN_TRUTH_LONG=1 $(MAKE) --no-print-directory check-vm VMTEST="$(VMLONG) $(VMFIRST)"
programs: all $(UNIT) $(PRELOAD) $(SIMTEST) $(CLIENT)
check-fast: unit preload scripts
unit-programs: $(UNIT)
unit: $(UNIT)
	$(Q)tests/run.sh $(B) $(UNIT)
preload: $(LIB) $(SIMLIB) $(CMD) $(EXAMPLE) $(PRELOAD) $(SIMTEST)
	$(Q)tests/run.sh $(B) $(SIMTEST) $(PRELOAD)
scripts: $(LIB) $(SIMLIB) $(CMD) $(PRELOAD) $(EXAMPLE)
	$(Q)tests/run.sh $(B) $(SCRIPT)
# Real kernels under QEMU; skipped, and counted so, only where QEMU or a kernel cannot be had.
check-vm: $(LIB) $(SIMLIB) $(CMD) $(CLIENT) $(EXAMPLE)
	$(Q)$(MAKE) --no-print-directory SAN=address,undefined shim
	$(Q)$(MAKE) --no-print-directory SAN=thread shim
	$(Q)UNTORN_TEST_TIMEOUT=$${UNTORN_TEST_TIMEOUT:-2400} UNTORN_TEST_JOBS=2 tests/run.sh $(B) $(VMTEST)
mutants: $(LIB) $(CMD) $(UNIT) $(PRELOAD) $(SIMLIB) $(CLIENT)
	$(Q)tests/mutants.sh $(B) . 1/2 & tests/mutants.sh $(B) . 2/2; last=$$?; wait $$! && exit $$last
# Unmodified programs that have no use for it must not notice it. Half an hour; see tests/clients/lib.sh.
clients: shim
	$(Q)tests/setup.sh g++ dpkg-dev make
	$(Q)UNTORN_TEST_SHOWN=1 UNTORN_TEST_TIMEOUT=$${UNTORN_TEST_TIMEOUT:-2400} tests/run.sh $(B) \
		$(filter-out %/lib.sh,$(wildcard tests/clients/*.sh))
packages:
	$(Q)tests/setup.sh mmdebstrap lintian
	$(Q)tests/pack/packages.sh
builds: setup-check
	$(Q)tests/setup.sh clang mmdebstrap gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static
	$(Q)tests/builds.sh
bench: $(LIB) $(CMD) $(CLIENT)
	$(Q)tests/bench/table.sh $(B)
layers:
	$(Q)tests/layers.sh "$(BASE)" "$(RULES)" "$(DEVICE)" "$(ENGINE)" "$(DOORS) $(TOOL)"
exports: $(LIB)
	$(Q)tests/exports.sh $(LIB)
# What is installed, and where to.
placed = $(LIB):$(libdir) $(SIMLIB):$(libdir) $(CMD):$(bindir) $(B)/share/untorn.pc:$(pkgconfigdir) \
	include/untorn.h:$(includedir) include/untorn_uapi.h:$(includedir) \
	shim/share/untorn.bash:$(bashdir) shim/share/_untorn:$(zshdir) shim/share/60-untorn.rules:$(udevdir) \
	$(B)/share/untorn-publish@.service:$(unitdir) \
	$(foreach page,$(wildcard man/*),$(page):$(mandir)/man$(patsubst .%,%,$(suffix $(page))))
# Filled in anew each time, for what they say depends on no file.
$(B)/share/%: shim/share/%.in always
	@mkdir -p $(@D)
	$(Q)sed $(foreach word,prefix bindir libdir includedir VERSION,-e 's|@$(word)@|$($(word))|') $< > $@
install: $(LIB) $(SIMLIB) $(CMD) $(B)/share/untorn.pc $(B)/share/untorn-publish@.service
	$(Q)for pair in $(placed); do from=$${pair%%:*}; mode=644; [ ! -x $$from ] || mode=755; \
		install -D -m $$mode $$from $(DESTDIR)$${pair#*:}/$${from##*/} || exit; done
uninstall:
	$(Q)for pair in $(placed); do from=$${pair%%:*}; rm -f $(DESTDIR)$${pair#*:}/$${from##*/}; done
dist:
	$(Q)mkdir -p $(B)
	$(Q)git archive --prefix=untorn-$(VERSION)/ -o $(B)/untorn-$(VERSION).tar.gz HEAD
	@echo $(B)/untorn-$(VERSION).tar.gz
clean:
	rm -rf build build-*
.SECONDARY:
.PHONY: all shim programs setup setup-check demo check check-long check-fast check-vm mutants clients bench scripts unit preload layers exports install uninstall clean dist packages builds unit-programs always
-include $(shell find $(B) -name '*.d' -type f 2>/dev/null)
