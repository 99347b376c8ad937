# SPDX-License-Identifier: MIT
# The part of the Makefile that installs and packs.

# The files that are installed, and where to. Those that name directories or the version are filled in anew each time.
placed = $(LIB):$(libdir) $(SIMLIB):$(libdir) $(CMD):$(bindir) $(B)/share/untorn.pc:$(pkgconfigdir) \
	include/untorn.h:$(includedir) include/untorn_uapi.h:$(includedir) \
	shim/share/untorn.bash:$(bashdir) shim/share/_untorn:$(zshdir) shim/share/60-untorn.rules:$(udevdir) \
	$(B)/share/untorn-publish@.service:$(unitdir) \
	$(foreach page,$(wildcard man/*),$(B)/share/$(page):$(mandir)/man$(patsubst .%,%,$(suffix $(page))))
$(B)/share/%: shim/share/%.in always
	@mkdir -p $(@D)
	$(Q)sed $(foreach word,prefix bindir libdir includedir VERSION,-e 's|@$(word)@|$($(word))|') $< > $@
$(B)/share/man/%: man/% always
	@mkdir -p $(@D)
	$(Q)sed 's|/usr/local/lib|$(subst -,\\-,$(libdir))|g' $< > $@
install: $(filter $(B)/%,$(subst :, ,$(placed)))
	$(Q)for pair in $(placed); do from=$${pair%%:*}; mode=644; [ ! -x $$from ] || mode=755; \
		install -D -m $$mode $$from '$(DESTDIR)'$${pair#*:}/$${from##*/} || exit; done
uninstall:
	$(Q)for pair in $(placed); do from=$${pair%%:*}; rm -f '$(DESTDIR)'$${pair#*:}/$${from##*/}; done
# In its own archive there is no git.
dist := untorn-$(VERSION)
dist:
	$(Q)mkdir -p $(B) && if [ -e .git ]; then git archive --prefix=$(dist)/ -o $(B)/$(dist).tar.gz HEAD; else \
		tar -czf $(B)/$(dist).tar.gz --owner=0 --group=0 --exclude=./build --exclude='./build-*' \
		--exclude=./config.mak --transform='s,^\.,$(dist),S' .; fi && ls $(B)/*.tar.gz
