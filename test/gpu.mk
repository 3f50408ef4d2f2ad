# gpu.mk: builds what test/gpu needs, without CUDA and without PostgreSQL: the sources of cuda/
# with the simulator as the library $(BUILD)/softsort_sim.so, the tests of the simulator, and
# the comparison of a device with the core.
# Variables: SANITIZE=1 (ASan and UBSan, in a folder of its own), BUILD, CC, CXX, CFLAGS.

BUILD    ?= build/gpu$(if $(SANITIZE),-asan)
CC        = gcc
CXX       = g++
CFLAGS    = $(if $(SANITIZE),-O1 -g1 -fno-omit-frame-pointer -fsanitize=address$(,)undefined \
		-fno-sanitize-recover=undefined,-O2 -g)
,         = ,
WARNINGS  = -Wall -Wextra
VERSION  := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" softsort.control)
CFLAGS_C  = -std=c11 $(WARNINGS) -ffp-contract=off -fno-math-errno -fno-trapping-math $(CFLAGS) \
		-DSOFTSORT_VERSION='"$(VERSION)"'
CFLAGS_CC = -std=c++17 $(WARNINGS) -Wno-unknown-pragmas -ffp-contract=off -fPIC -fvisibility=hidden -DSFS_SIMULATED $(CFLAGS) \
		-DSOFTSORT_VERSION='"$(VERSION)"'

SIM       = $(patsubst %,$(BUILD)/%.o,$(sort $(wildcard test/gpu/cudasim/*.cpp)))
DEVICE    = $(patsubst %,$(BUILD)/%.o,$(sort $(wildcard cuda/*.cu)))
CORE      = $(patsubst %,$(BUILD)/%.o,$(sort $(wildcard src/core/*.c src/engine/*.c)))
TESTS     = $(patsubst %,$(BUILD)/%.o,$(sort $(wildcard test/gpu/test_cudasim*.cu)))
TAP       = $(BUILD)/test/unit/tap.c.o $(BUILD)/test/unit/data.c.o
PARITY    = $(patsubst %,$(BUILD)/%.o,$(sort $(wildcard test/gpu/parity*.c)))
LIBRARY   = $(BUILD)/softsort_sim.so

all: tests $(LIBRARY)
tests: $(BUILD)/test_cudasim $(BUILD)/parity $(BUILD)/stand_in.so

$(LIBRARY): $(DEVICE) $(SIM)
	@test -n "$(DEVICE)" || { echo "gpu.mk: there is no cuda/*.cu"; exit 1; }
	$(CXX) $(CFLAGS_CC) -shared -Wl,--no-undefined -o $@ $^

$(BUILD)/test_cudasim: $(TESTS) $(SIM) $(TAP) $(CORE)
	$(CXX) $(CFLAGS_CC) -o $@ $^

$(BUILD)/parity: $(PARITY) $(TAP) $(CORE)
	$(CC) $(CFLAGS_C) -o $@ $^ -lm -ldl

$(BUILD)/stand_in.so: $(BUILD)/test/gpu/stand_in.c.o $(CORE)
	$(CC) $(CFLAGS_C) -shared -Wl,-Bsymbolic -o $@ $^ -lm

$(BUILD)/src/core/%.c.o: INCLUDES = -Isrc/core
$(BUILD)/src/engine/%.c.o: INCLUDES = -Isrc/core -Isrc/engine
$(BUILD)/test/%.c.o: INCLUDES = -Isrc/core -Isrc/engine -Itest/unit -Itest/gpu
$(BUILD)/test/%.cu.o: INCLUDES = -Isrc/core -Isrc/engine -Itest/unit -Itest/gpu -Itest/gpu/cudasim
$(BUILD)/cuda/%.cu.o: INCLUDES = -Isrc/core -Isrc/engine -Icuda -Itest/gpu/cudasim

$(BUILD)/%.c.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_C) -fPIC $(INCLUDES) -MMD -MP -c -o $@ $<

$(BUILD)/%.cpp.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(CFLAGS_CC) -MMD -MP -c -o $@ $<

$(BUILD)/%.cu.o: %.cu
	@mkdir -p $(@D)
	$(CXX) -x c++ $(CFLAGS_CC) $(INCLUDES) -MMD -MP -c -o $@ $<

.PHONY: all tests
.SECONDARY:
-include $(patsubst %.o,%.d,$(SIM) $(DEVICE) $(CORE) $(TESTS) $(TAP) $(PARITY) $(BUILD)/test/gpu/stand_in.c.o)
