# make                build the library and the program           make check       run the tests
# make bench          what is timed, and against whom             make install     PREFIX=/usr/local
# make check-headers  every header compiles alone                 make clean
# SAN=1 with any of them: AddressSanitizer and UBSan, in build/san. CC, CFLAGS, LDFLAGS are yours; so is local.mk.
-include local.mk

comma   := ,
VERSION := 0.1.0
PREFIX  ?= /usr/local
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
MODE    := $(if $(SAN),san,release)
B       := build/$(MODE)

# Debian package -> pkg-config name; what has no .pc file is looked for by its header.
PKGS     := gsl openblas hdf5 libcjson zlib
APT      := gcc make pkgconf libgsl-dev libopenblas-dev libhdf5-dev libcjson-dev zlib1g-dev librandom123-dev \
            libcmocka-dev gnuplot-nox
NO_BUILD := clean
ifneq ($(filter-out $(NO_BUILD),$(or $(MAKECMDGOALS),all)),)
  missing := $(shell command -v pkg-config >/dev/null || echo pkg-config; \
               for p in $(PKGS) cmocka; do pkg-config --exists $$p 2>/dev/null || echo $$p; done; \
               echo '\#include <Random123/threefry.h>' | $(CC) -E -x c - >/dev/null 2>&1 || echo Random123)
  ifneq ($(strip $(missing)),)
    $(error Missing: $(strip $(missing)). Install with: apt-get install -y $(APT))
  endif
endif

WARN := -Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla \
        -Wpointer-arith -Wundef -Wwrite-strings $(if $(WERROR),-Werror)
OPT  := $(if $(SAN),-O1 -g -fno-omit-frame-pointer -fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined,-O3 -g)
CFLAGS   ?= $(OPT)
# Contraction off: a product and a sum round the same way on every processor.
ALL_CFLAGS = -std=gnu17 $(WARN) $(CFLAGS) -fPIC -fopenmp-simd -fno-math-errno -ffp-contract=off -pthread -I. \
             $(shell pkg-config --cflags $(PKGS)) -MMD -MP
# Kernels alone get relaxed floating point, which libm's vector functions need.
KERNEL_CFLAGS := -ffast-math $(if $(findstring clang,$(CC)),-fveclib=libmvec)
# OpenBLAS is the only CBLAS: GSL's own, which gsl.pc asks for, would be found first and is ten times slower.
LIBS := $(filter-out -lgslcblas,$(shell pkg-config --libs $(PKGS) 2>/dev/null)) -lmvec -lm -lpthread
SANLD := $(if $(SAN),-fsanitize=address$(comma)undefined)

ROOMS := base optim theory sim sim/losses nets nets/data nets/layers claims plots
LIB_SRC := $(sort $(foreach r,$(ROOMS),$(wildcard $(r)/*.c)))
CLI_SRC := $(sort $(wildcard cli/*.c))
TEST_SRC := $(sort $(wildcard tests/*/test_*.c))
EXAMPLE_SRC := $(sort $(wildcard examples/*.c))
BENCH_SRC := $(sort $(wildcard bench/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(B)/%.o)
TEST_BIN := $(TEST_SRC:%.c=$(B)/%)
EXAMPLE_BIN := $(EXAMPLE_SRC:%.c=$(B)/%)

.PHONY: all check check-headers bench install clean tests examples
all: $(B)/libsgdlab.a $(B)/libsgdlab.so $(B)/sgdlab

$(B)/%_kernel.o: EXTRA = $(KERNEL_CFLAGS)
$(B)/base/version.o: EXTRA = -DSL_VERSION='"$(VERSION)"' -DSL_BUILD='"$(shell $(CC) --version | head -n 1), $(MODE)"'
$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(EXTRA) -c $< -o $@

$(B)/libsgdlab.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^
$(B)/libsgdlab.so: $(LIB_OBJ)
	$(CC) -shared -Wl,-soname,libsgdlab.so.0 $(SANLD) $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/sgdlab: $(CLI_OBJ) $(B)/libsgdlab.a
	$(CC) $(SANLD) $(LDFLAGS) -o $@ $(CLI_OBJ) $(B)/libsgdlab.a $(LIBS)

$(B)/tests/%: $(B)/tests/%.o $(B)/libsgdlab.a
	$(CC) $(SANLD) $(LDFLAGS) -o $@ $< $(B)/libsgdlab.a $(shell pkg-config --libs cmocka) $(LIBS)
$(B)/examples/%: $(B)/examples/%.o $(B)/libsgdlab.a
	$(CC) $(SANLD) $(LDFLAGS) -o $@ $< $(B)/libsgdlab.a $(LIBS)
tests: $(TEST_BIN)
examples: $(EXAMPLE_BIN)

# The runner gets every test program and prints one last line, "N passed, M failed". ONLY=name runs some.
check: all tests examples check-headers
	@SGDLAB=$(B)/sgdlab BUILD=$(B) tests/run $(if $(ONLY),$(foreach o,$(ONLY),$(filter %$(o)%,$(TEST_BIN))),$(TEST_BIN))

HEADERS := $(sort $(foreach r,$(ROOMS) cli,$(wildcard $(r)/*.h)))
check-headers: $(HEADERS:%.h=$(B)/headers/%.ok)
$(B)/headers/%.ok: %.h
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) -MF $(@:.ok=.d) -MT $@ -x c -fsyntax-only $<
	@touch $@

clean:
	rm -rf build

.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
