# make            library, command and simulated disk
# make demo       shows what it is for, on the simulated disk; installs what it needs
# make quick      the tests to run between two edits; make unit preload SAN=address,undefined: some, sanitized
# make check      every test but the long ones, on real kernels under QEMU too; installs what it needs
# make check-long mutants; check-soak: the truth tests with more kernels, and what is long by its nature
# make clients    liburing's own tests, databases, QEMU and 300 programs at their usual work under the shim
# make bench      what it costs; make packages, builds: Debian packages, and other compilers and C libraries
# make install    honours DESTDIR, prefix and the directories below; make uninstall, dist
# V=1 shows the commands. config.mak (git-ignored) is for settings of your own. shim/README.md has the map.
VERSION := 0.2.0
-include config.mak
prefix ?= /usr/local
bindir ?= $(prefix)/bin
libdir ?= $(prefix)/lib
includedir ?= $(prefix)/include
mandir ?= $(prefix)/share/man
pkgconfigdir ?= $(libdir)/pkgconfig
bashdir ?= $(prefix)/share/bash-completion/completions
zshdir ?= $(prefix)/share/zsh/site-functions
udevdir ?= $(prefix)/lib/udev/rules.d
unitdir ?= $(prefix)/lib/systemd/system
CFLAGS ?= -O2 -g
comma := ,
B     := build$(if $(SAN),-$(subst $(comma),-,$(SAN)))
objs   = $(patsubst %.c,$(B)/%.o,$(wildcard $(1:%=shim/%/*.c)))
tests  = $(patsubst %.c,$(B)/%,$(wildcard $(1:%=tests/%/*.c)))
has      = $(shell $(CC) $(CPPFLAGS) -E -include $(1) -x c /dev/null > /dev/null 2>&1 && echo yes)
# Where they are; libnvme 2 is another interface; libsgutils2 has another name in each Debian: the archive, if any.
nvme    := $(if $(call has,libnvme.h),$(shell pkg-config --exists 'libnvme >= 1' 'libnvme < 2' && echo -lnvme))
sgutils := $(if $(call has,scsi/sg_pt.h),$(firstword $(filter /%,$(shell $(CC) -print-file-name=libsgutils2.a)) -lsgutils2))
asks    := -ljson-c -lblkid $(nvme) $(sgutils)
lacking := $(if $(call has,libaio.h),,examples/libaio.c) $(if $(call has,liburing.h),,examples/io_uring.c)
LIB := $(B)/libuntorn.so
SIMLIB := $(B)/libuntorn-sim.so
CMD := $(B)/untorn
EXAMPLE := $(patsubst %.c,$(B)/%,$(filter-out $(lacking),$(wildcard examples/*.c)))
UNIT    := $(call tests,unit fuzz)
PRELOAD := $(call tests,sim preload)
CLIENT  := $(call tests,vm)
BENCH   := $(call tests,bench)
VMTEST  := $(wildcard tests/vm/test_*.sh)
WARN  := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wundef
san   := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
cpp   := -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Iinclude -iquote shim -iquote tests $(if $(nvme),-DLIBNVME) $(if $(sgutils),-DLIBSGUTILS2) -MMD -MP $(CPPFLAGS)
cc    := -std=gnu11 -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections $(WARN) $(san) $(CFLAGS)
ld    := $(san) -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)
# Two segments, and no look into all libraries for our own functions: a quick start. Never unloaded: it has threads.
fast  := -Wl,-O1,--gc-sections,-z,nodelete,-z,noseparate-code$(if $(SAN),,$(comma)-Bsymbolic-functions)
Q     := $(if $(V),,@)
say    = $(if $(V),,@printf '  %-5s %s\n' $(1) $@;)
link   = $(call say,LINK)$(CC) $(cc) $(ld) -o $@ $(filter %.o %.a,$^)
shared = $(link) -shared $(if $(SAN),,-Wl,-z,defs) $(patsubst %,-Wl$(comma)--version-script=%,$(filter %.map,$^)) -Wl,-soname,$(@F)
# What a program links beside libc stands in its first comment: "Links: ...", or an example's cc line.
links  = $$(sed -nE 's/^ \*( Links:|\tcc .*\.c) //p' $(@:$(B)/%=%).c)
all: $(LIB) $(SIMLIB) $(CMD) $(EXAMPLE)
shim: $(LIB) $(SIMLIB)
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(cpp) $(cc) -c -o $@ $<
$(LIB): $(call objs,base rules device engine async door) shim.map
	$(shared) $(fast) -ldl -lpthread $(LDLIBS)
$(SIMLIB): $(call objs,sim sim_doors) shim/sim/sim.map
	$(shared) -Wl,-Bsymbolic-functions -ldl -lpthread
# Compiled anew for another version, and for another libdir, as at "make install prefix=...".
$(B)/libdir $(B)/VERSION: always ; @mkdir -p $(@D) && echo '$($(@F))' | cmp -s - $@ || echo '$($(@F))' > $@
$(B)/shim/command/preload.o: $(B)/libdir
$(addprefix $(B)/shim/,command/command.o door/libc.o doctor/drive.o): $(B)/VERSION
$(B)/shim/command/preload.o: cpp += -DLIBDIR='"$(libdir)"' -DMULTIARCH='"$(shell $(CC) -print-multiarch 2> /dev/null)"'
$(CMD): $(call objs,base rules device stack engine command doctor report verify run)
	$(link) -ldl -lpthread $(asks) $(LDLIBS)
# A test takes from all rooms but the doors those that it uses.
$(B)/rooms.a: $(call objs,base rules device stack engine async command doctor report verify run)
	$(Q)rm -f $@ && ar rcs $@ $^
$(call tests,unit): $(B)/tests/main.o
$(UNIT) $(BENCH): %: %.o $(B)/rooms.a
$(PRELOAD): %: %.o $(B)/tests/preload.o
$(UNIT) $(PRELOAD): LDLIBS += $(or $(CHECK_LIBS),$(shell pkg-config --libs check)) $(asks)
$(EXAMPLE) $(CLIENT): %: %.o
$(EXAMPLE) $(CLIENT) $(BENCH) $(UNIT) $(PRELOAD):
	$(link) $(links) -ldl -lpthread $(LDLIBS)
# The packages that a machine with a compiler, git and make still lacks.
setup: ; $(Q)tests/setup.sh pkg-config libjson-c-dev libblkid-dev libnvme-dev? libsgutils2-dev? systemtap-sdt-dev
setup-check: setup ; $(Q)tests/setup.sh check strace fio fakeroot libaio-dev liburing-dev python3 libcap2-bin libjemalloc2 musl-tools patchelf?
demo: setup
	$(Q)$(MAKE) --no-print-directory all
	$(Q)examples/demo.sh $(B)
# Sub-makes, because pkg-config and the headers may only just have come.
sub = +$(Q)UNTORN_TEST_JOBS=2 $(MAKE) --no-print-directory
says = @echo "$@: about $(1) minutes on two processors, once QEMU and kernels have been fetched"
quick: setup-check
	$(call says,three)
	$(sub) -j2 programs
	$(sub) layers exports check-fast
check: quick
	$(call says,25)
	$(sub) -j2 SAN=address,undefined programs
	$(sub) -j2 SAN=thread programs
	$(sub) SAN=address,undefined unit preload
	$(sub) SAN=thread unit preload
	$(sub) check-vm
check-long: setup-check
	$(Q)tests/setup.sh gcc-aarch64-linux-gnu? libc6-dev-arm64-cross?
	$(call says,20)
	$(sub) check-vm UNTORN_STACKS_KERNELS=7 VMTEST="$(addprefix tests/vm/,long_arm64.sh long_steps.sh test_stacks.sh)"
	$(sub) mutants
# Truth and statx with more kernels, calls, SCSI, sanitized; power cuts, readers and numbers that change hands, again.
check-soak: setup-check
	$(call says,75)
	$(sub) SAN=address,undefined shim
	$(sub) SAN=thread shim
	$(sub) check-vm UNTORN_TRUTH_LONG=1 VMTEST="tests/vm/test_truth.sh $(wildcard tests/vm/long_*.sh)"
	$(sub) check-vm UNTORN_VERIFY_KILLS=20 UNTORN_TORN_READS=200000 UNTORN_RACE_SECONDS=20 \
		VMTEST="tests/vm/test_races.sh tests/vm/test_verify.sh tests/vm/test_torn.sh"
programs: all $(UNIT) $(PRELOAD) $(CLIENT) $(BENCH)
unit: $(UNIT) ; $(Q)tests/run.sh $(B) $(UNIT)
preload: $(LIB) $(SIMLIB) $(CMD) $(EXAMPLE) $(PRELOAD)
	$(Q)tests/run.sh $(B) $(PRELOAD)
check-fast: programs
	$(Q)tests/run.sh $(B) $(UNIT) $(PRELOAD) $(wildcard tests/command/*.sh tests/preload/*.sh)
# Real kernels under QEMU; skipped, and counted so, only where QEMU or a kernel cannot be had.
check-vm: programs
	$(Q)tests/run.sh $(B) $(VMTEST)
check-vm clients: export UNTORN_TEST_TIMEOUT ?= 2400
mutants: programs
	$(Q)tests/mutants.sh $(B) . 1/2 & tests/mutants.sh $(B) . 2/2; last=$$?; wait $$! && exit $$last
# Unmodified programs that have no use for it must not notice it. Half an hour; see tests/clients/lib.sh.
clients: shim $(CMD)
	$(Q)tests/setup.sh g++ dpkg-dev make golang-go? bpftrace?
	$(Q)UNTORN_TEST_SHOWN=1 tests/run.sh $(B) $(filter-out %/lib.sh,$(wildcard tests/clients/*.sh))
packages: all
	$(Q)tests/setup.sh mmdebstrap lintian rpm cpio
	$(Q)tests/pack/rpm.sh
	$(Q)tests/pack/packages.sh
builds: setup-check
	$(Q)tests/setup.sh clang mmdebstrap gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static && tests/builds.sh
bench: $(LIB) $(SIMLIB) $(CMD) $(BENCH) ; $(Q)tests/bench/table.sh $(B)
layers: ; $(Q)tests/layers.sh shim
exports: $(LIB) ; $(Q)tests/exports.sh $(LIB)
include shim/share/install.mk
clean: ; rm -rf build build-*
.SECONDARY:
.PHONY: all shim programs setup setup-check demo quick check check-fast check-long check-soak check-vm unit preload \
	mutants clients packages builds bench layers exports install uninstall dist clean always
-include $(shell find $(B) -name '*.d' -type f 2>/dev/null)
