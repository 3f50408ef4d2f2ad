# softsort: build, install and test.  `make help` lists the targets.
#
# `make demo` and `make test` need nothing but this file, a network and Debian 12 or 13;
# every other target needs PostgreSQL's build files (PGXS) of the server named by PG_CONFIG.

EXTENSION   = softsort
MODULE_big  = softsort
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" softsort.control)

CORE_OBJS   = $(patsubst %.c,%.o,$(sort $(wildcard src/core/*.c)))
ENGINE_OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/engine/*.c)))
PG_OBJS     = $(patsubst %.c,%.o,$(sort $(wildcard src/pg/*.c)))
OBJS        = $(CORE_OBJS) $(ENGINE_OBJS) $(PG_OBJS)
ALL_HEADERS = $(wildcard src/*/*.h src/*/*/*.h)

# The install script is generated; hand-written update scripts are installed as they are.
INSTALL_SQL = sql/$(EXTENSION)--$(EXTVERSION).sql
DATA_built  = $(INSTALL_SQL)
DATA        = $(sort $(wildcard sql/$(EXTENSION)--*--*.sql))

# Results go to build/regress, so that the source tree stays clean.
REGRESS      = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --outputdir=build/regress --load-extension=$(EXTENSION)
EXTRA_CLEAN  = build

PG_CPPFLAGS = -Isrc/core -Isrc/engine -DSOFTSORT_VERSION='"$(EXTVERSION)"'
SHLIB_LINK += -Wl,--version-script=src/softsort.map -lm

# Flags for the numeric code.  No -ffast-math and no -march: the same digits everywhere.
OPTFLAGS   ?= -O3
NUMERIC     = -std=c11 $(OPTFLAGS) -ffp-contract=off -fno-math-errno -fno-trapping-math
WARN_ALL    = -Wno-declaration-after-statement $(if $(WERROR),-Wall -Wextra -Werror)
WARN_PG     = $(if $(WERROR),-Wno-unused-parameter)

# JIT bitcode would ignore the flags above.  Must stand before the include.
override with_llvm = no

PG_CONFIG  ?= pg_config
PGXS       := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))
PG_HEADERS := $(wildcard $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)/postgres.h)

.DEFAULT_GOAL := all
.PHONY: demo test cuda install-cuda help FORCE

ifneq ($(and $(PGXS),$(PG_HEADERS)),)

include $(PGXS)

# The layers, enforced by the compiler: core sees core, engine sees core and engine, and
# neither can include a header of PostgreSQL.
$(CORE_OBJS): override CPPFLAGS = -Isrc/core
$(ENGINE_OBJS): override CPPFLAGS = -Isrc/core -Isrc/engine
$(CORE_OBJS) $(ENGINE_OBJS): override CFLAGS += $(NUMERIC) $(WARN_ALL)
$(PG_OBJS): override CFLAGS += $(WARN_ALL) $(WARN_PG)

# Rebuild when a header, the server or the flags change.
$(OBJS): $(ALL_HEADERS) build/flags
$(shlib): src/softsort.map

BUILT_WITH := $(shell $(PG_CONFIG) --version --includedir-server) $(CC) $(CFLAGS) $(NUMERIC) $(WERROR)
build/flags: FORCE
	@mkdir -p build
	@echo '$(BUILT_WITH)' > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(INSTALL_SQL): sql/generate.awk sql/functions.list sql/state.sql sql/gpu.sql softsort.control
	awk -f sql/generate.awk sql/functions.list | cat - sql/state.sql sql/gpu.sql > $@.tmp
	mv $@.tmp $@

installcheck: build/regress
build/regress:
	mkdir -p $@

else

.PHONY: all install uninstall installcheck clean
all install uninstall installcheck:
	@echo "softsort: PostgreSQL's headers and build files (PGXS) were not found by PG_CONFIG=$(PG_CONFIG)."
	@echo "Install them (Debian: postgresql-server-dev-NN, with NN the version of the server) or say"
	@echo "make PG_CONFIG=/path/to/bin/pg_config.  'make demo' and 'make test' need neither."
	@false

clean:
	rm -rf build $(OBJS) $(EXTENSION).so $(INSTALL_SQL)

endif

# The CUDA library, for machines with nvcc; nothing else needs it.
cuda:
	@$(MAKE) --no-print-directory -f cuda/cuda.mk

install-cuda: cuda
	install -d '$(DESTDIR)$(shell $(PG_CONFIG) --pkglibdir)'
	install -m 755 softsort_cuda.so '$(DESTDIR)$(shell $(PG_CONFIG) --pkglibdir)/'

demo:
	@demo/run

test:
	@test/run

help:
	@echo "make                  build softsort.so for the server of PG_CONFIG (default: pg_config in PATH)"
	@echo "make install          install it there (usually with sudo)"
	@echo "make installcheck     regression tests against a running server that has it"
	@echo "make cuda             build softsort_cuda.so, which computes on a GPU (needs nvcc)"
	@echo "make install-cuda     install it beside softsort.so"
	@echo "make demo             run demo/demo.sql on a private throwaway server"
	@echo "make test             run all tests on a private throwaway server"
	@echo "make clean            remove everything that was built"
	@echo "Variables: PG_CONFIG=/path/to/pg_config  WERROR=1 (warnings are errors)  OPTFLAGS=-O3"
