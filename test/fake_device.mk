# fake_device.mk: builds test/gpu/fake_device.c, a library with the contract of src/engine/device.h.
# Variables: BUILD (folder of the result), CC, CFLAGS.

BUILD   ?= build/fake_device
CC       = gcc
CFLAGS   = -O2 -g
VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" softsort.control)
FLAGS    = -std=gnu11 -Wall -Wextra -ffp-contract=off -fno-math-errno -fno-trapping-math $(CFLAGS) -DSOFTSORT_VERSION='"$(VERSION)"'

SOURCES  = test/gpu/fake_device.c $(sort $(wildcard src/core/*.c))
OBJECTS  = $(SOURCES:%.c=$(BUILD)/%.o)

$(BUILD)/fake_device.so: $(OBJECTS)
	$(CC) $(FLAGS) -shared -o $@ $^ -lm

$(OBJECTS): $(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -fPIC -fvisibility=hidden -Isrc/core -Isrc/engine -MMD -MP -c -o $@ $<

-include $(OBJECTS:.o=.d)
