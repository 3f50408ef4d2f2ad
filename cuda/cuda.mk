# cuda.mk: builds softsort_cuda.so with nvcc; `make cuda` and `make install-cuda` call it.
# Variables: NVCC, CUDA_ARCHS (compute capabilities, cut to what this nvcc knows), CUDA_FLAGS.
# The highest of them is also kept as PTX, for GPUs that are newer than nvcc.

NVCC       ?= $(or $(shell command -v nvcc 2>/dev/null),$(wildcard /usr/local/cuda/bin/nvcc),nvcc)
CUDA_ARCHS ?= 75 80 86 89 90 100 120

KNOWN  := $(patsubst compute_%,%,$(shell $(NVCC) --list-gpu-arch 2>/dev/null))
ARCHS  := $(filter $(CUDA_ARCHS),$(KNOWN))
HIGHEST := $(lastword $(shell printf '%s\n' $(ARCHS) | sort -n))
RELEASE := $(shell $(NVCC) --version 2>/dev/null | sed -n 's/.*release \([0-9]*\).*/\1/p')
CODE    = $(foreach a,$(ARCHS),-gencode arch=compute_$(a),code=sm_$(a)) \
          $(foreach a,$(HIGHEST),-gencode arch=compute_$(a),code=compute_$(a))

VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" softsort.control)
BUILD   = build/cuda
OBJECTS = $(patsubst cuda/%.cu,$(BUILD)/%.o,$(sort $(wildcard cuda/*.cu)))

# No contraction, no fast math: the digits of the core.
FLAGS   = -O3 -std=c++17 --fmad=false -Xcompiler -fPIC,-fvisibility=hidden,-ffp-contract=off \
          -Isrc/core -Isrc/engine -Icuda -Xptxas -v -DSOFTSORT_VERSION='"$(VERSION)"' \
          $(if $(filter-out 9 10 11 12,$(RELEASE)),--compress-mode=size) $(CUDA_FLAGS)

softsort_cuda.so: $(OBJECTS)
	$(NVCC) -shared -cudart static -Xlinker --as-needed,--exclude-libs,ALL -o $@ $^
	@tools/cuda-report $(OBJECTS:.o=.log)

# A change of compilers or flags builds all again.
$(OBJECTS): $(BUILD)/flags
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@echo '$(shell $(NVCC) --version | tail -1) $(CODE) $(FLAGS)' > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(BUILD)/%.o: cuda/%.cu
	@test -n "$(KNOWN)" || { echo "softsort: nvcc was not found (NVCC=$(NVCC)); the extension itself does not need it"; exit 1; }
	@test -n "$(ARCHS)" || { echo "softsort: this nvcc knows none of CUDA_ARCHS=$(CUDA_ARCHS), but: $(KNOWN)"; exit 1; }
	$(NVCC) $(FLAGS) $(CODE) -MMD -MP -MF $(@:.o=.d) -c -o $@ $< > $(@:.o=.log) 2>&1 || { cat $(@:.o=.log); rm -f $@; exit 1; }

.PHONY: FORCE
-include $(OBJECTS:.o=.d)
