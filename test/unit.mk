# unit.mk: builds the programs of test/unit, without PostgreSQL.
# Each test_*.c is linked with the core, the engine and the helpers (all other *.c of test/unit).
# Variables: BUILD (folder of the results), CC, CFLAGS.

BUILD   ?= build/unit
CC       = gcc
CFLAGS   = -O2 -g
FLAGS    = -std=c11 -Wall -Wextra -ffp-contract=off -fno-math-errno -fno-trapping-math $(CFLAGS)

SOURCES  = $(sort $(wildcard src/core/*.c src/engine/*.c test/unit/*.c))
OBJECTS  = $(SOURCES:%.c=$(BUILD)/%.o)
TESTS    = $(filter $(BUILD)/test/unit/test_%,$(OBJECTS))
COMMON   = $(filter-out $(TESTS),$(OBJECTS))
PROGRAMS = $(TESTS:$(BUILD)/test/unit/%.o=$(BUILD)/%)

all: $(PROGRAMS)

$(PROGRAMS): $(BUILD)/%: $(BUILD)/test/unit/%.o $(COMMON)
	$(CC) $(FLAGS) -o $@ $^ -lm

$(BUILD)/src/core/%.o: INCLUDES = -Isrc/core
$(BUILD)/src/engine/%.o: INCLUDES = -Isrc/core -Isrc/engine
$(BUILD)/test/unit/%.o: INCLUDES = -Isrc/core -Isrc/engine -Itest/unit

$(OBJECTS): $(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(INCLUDES) -MMD -MP -c -o $@ $<

.PHONY: all
.SECONDARY:
-include $(OBJECTS:.o=.d)
