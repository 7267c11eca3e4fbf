# make                build the library and the program     make check       run the tests (ONLY=word: some)
# make bench          what is timed, and against whom       make install     PREFIX=/usr/local, DESTDIR=; uninstall
# make check-headers  every header compiles alone           make format      clang-format      make clean
# SAN=1 with any of them: AddressSanitizer and UBSan, in build/san. WERROR=1: warnings are errors.
# XSMM=1: networks' matrix products by LIBXSMM (Debian: libxsmm-dev) instead of OpenBLAS, in build/release-xsmm.
# CC (gcc or clang), CFLAGS and LDFLAGS are yours; so is local.mk.
-include local.mk

comma   := ,
VERSION := 0.1.0
PREFIX  ?= /usr/local
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
MODE    := $(if $(SAN),san,release)$(if $(XSMM),-xsmm)
B       := build/$(MODE)

# Libraries by their pkg-config names; Random123 and SuiteSparse have none and are looked for by their headers.
PKGS     := gsl openblas lapacke arpack hdf5 libcjson zlib libturbojpeg
NO_BUILD := clean uninstall format
ifneq ($(filter-out $(NO_BUILD),$(or $(MAKECMDGOALS),all)),)
  missing := $(shell for p in $(firstword $(CC)) pkg-config; do command -v $$p >/dev/null || echo $$p; done; \
               for p in $(PKGS) cmocka; do pkg-config --exists $$p 2>/dev/null || echo $$p; done; \
               echo '\#include <Random123/threefry.h>' | $(CC) -E -x c - >/dev/null 2>&1 || echo Random123; \
               echo '\#include <suitesparse/cholmod.h>' | $(CC) -E -x c - >/dev/null 2>&1 || echo SuiteSparse)
  ifneq ($(strip $(missing)),)
    $(error Missing: $(strip $(missing)). Install with scripts/install-deps, or as root: \
      apt-get install -y $(strip $(shell sed 's/\#.*//' scripts/packages.txt)))
  endif
  ifneq ($(if $(XSMM),$(shell pkg-config --exists libxsmm || echo missing)),)
    $(error XSMM=1 needs LIBXSMM; as root: apt-get install -y libxsmm-dev)
  endif
endif
PKGS += $(if $(XSMM),libxsmm)

WARN := -Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla \
        -Wpointer-arith -Wundef -Wwrite-strings $(if $(WERROR),-Werror)
OPT  := $(if $(SAN),-O1 -g -fno-omit-frame-pointer -fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined,-O3 -g)
CFLAGS   ?= $(OPT)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
# Contraction off: a product and a sum round the same way on every processor.
ALL_CFLAGS = -std=gnu17 $(WARN) $(CFLAGS) -fPIC -fopenmp-simd -fno-math-errno -ffp-contract=off -pthread -I. \
             $(PKG_CFLAGS) $(if $(XSMM),-DSL_XSMM) $(FOR_CLANG) -MMD -MP
# C11's CMPLX, which glibc's <complex.h> has for gcc alone.
FOR_CLANG := $(if $(findstring clang,$(CC)),-D'CMPLX(x$(comma)y)=__builtin_complex((double)(x)$(comma)(double)(y))')
# Kernels alone get relaxed floating point, which libm's vector functions need.
KERNEL_CFLAGS := -ffast-math $(if $(findstring clang,$(CC)),-fveclib=libmvec)
# OpenBLAS is the only CBLAS: GSL's own, which gsl.pc asks for, would be found first and is ten times slower.
LIBS := $(filter-out -lgslcblas,$(shell pkg-config --libs $(PKGS) 2>/dev/null)) -lcholmod -lumfpack -lmvec -lm -lpthread
SONAME := libsgdlab.so.$(firstword $(subst ., ,$(VERSION)))
SANLD := $(if $(SAN),-fsanitize=address$(comma)undefined)

ROOMS := base optim theory sim sim/losses sim/noises sim/convex sim/escape sim/operators sim/operators/fokker_planck \
         sim/operators/klein_kramers sim/operators/transfer nets nets/data nets/layers nets/models claims plots
LIB_SRC := $(sort $(foreach r,$(ROOMS),$(wildcard $(r)/*.c)))
CLI_SRC := $(sort $(wildcard cli/*.c))
TEST_SRC := $(sort $(wildcard tests/*/test_*.c))
EXAMPLE_SRC := $(sort $(wildcard examples/*.c))
BENCH_SRC := $(sort $(wildcard bench/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(B)/%.o)
TEST_BIN := $(TEST_SRC:%.c=$(B)/%)
EXAMPLE_BIN := $(EXAMPLE_SRC:%.c=$(B)/%)
BENCH_BIN := $(BENCH_SRC:%.c=$(B)/%)

.PHONY: FORCE all check check-headers bench install uninstall format clean tests examples
all: $(B)/libsgdlab.a $(B)/libsgdlab.so $(B)/sgdlab

# Objects are made anew when the compiler, its flags or the version change.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CFLAGS) $(VERSION)' | cmp -s - $@ || echo '$(CC) $(CFLAGS) $(VERSION)' > $@

$(B)/%_kernel.o: EXTRA = $(KERNEL_CFLAGS)
# These tell numbers from NaN. No one reads floating-point exceptions: choices may be made with masks.
$(B)/optim/regime_secant.o $(B)/optim/regime_balance.o: EXTRA = -fno-trapping-math
# A matrix product may contract, as the libraries' do.
$(B)/%_product_kernel.o: EXTRA = $(KERNEL_CFLAGS) -ffp-contract=fast
$(B)/base/version.o: EXTRA = -DSL_VERSION='"$(VERSION)"' -DSL_BUILD='"$(shell $(CC) --version | head -n 1), $(MODE)"'
$(B)/%.o: %.c Makefile $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(EXTRA) -c $< -o $@

$(B)/libsgdlab.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^
$(B)/libsgdlab.so: $(LIB_OBJ)
	$(CC) -shared -Wl,-soname,$(SONAME) $(if $(XSMM),-Wl$(comma)--exclude-libs$(comma)libxsmm.a) $(SANLD) $(LDFLAGS) \
	    -o $@ $^ $(LIBS)
$(B)/sgdlab: $(CLI_OBJ) $(B)/libsgdlab.a
	$(CC) $(SANLD) $(LDFLAGS) -o $@ $(CLI_OBJ) $(B)/libsgdlab.a $(LIBS)

$(B)/tests/%: $(B)/tests/%.o $(B)/libsgdlab.a
	$(CC) $(SANLD) $(LDFLAGS) -o $@ $< $(B)/libsgdlab.a $(shell pkg-config --libs cmocka) $(LIBS)
$(B)/examples/%: $(B)/examples/%.o $(B)/libsgdlab.a
	$(CC) $(SANLD) $(LDFLAGS) -o $@ $< $(B)/libsgdlab.a $(LIBS)
$(B)/bench/%: $(B)/bench/%.o $(B)/libsgdlab.a
	$(CC) $(SANLD) $(LDFLAGS) -o $@ $< $(B)/libsgdlab.a $(LIBS)
tests: $(TEST_BIN)
examples: $(EXAMPLE_BIN)

# The runner gets every test program and prints one last line, "N passed, M failed". ONLY=word runs those with it.
# tests/house/*.sh look at the house itself: includes, symbols, the installed library, scripts, examples.
TESTS := $(TEST_BIN) $(sort $(wildcard tests/house/test_*.sh))
CHOSEN = $(if $(ONLY),$(foreach t,$(TESTS),$(if $(strip $(foreach o,$(ONLY),$(findstring $(o),$(t)))),$(t))),$(TESTS))
check: all tests examples check-headers
	@SGDLAB=$(B)/sgdlab BUILD=$(B) CC='$(CC)' SAN=$(SAN) XSMM=$(XSMM) tests/run $(CHOSEN)

bench: all $(BENCH_BIN)
	@BUILD=$(B) bench/run

HEADERS := $(sort $(foreach r,$(ROOMS) cli,$(wildcard $(r)/*.h)))
check-headers: $(HEADERS:%.h=$(B)/headers/%.ok)
$(B)/headers/%.ok: %.h
	@mkdir -p $(@D)
	@echo '#include "$<"' | $(CC) $(ALL_CFLAGS) -MF $(@:.ok=.d) -MT $@ -x c -fsyntax-only -
	@touch $@

# Headers include each other by their path in the house ("base/status.h"), so they keep it under include/sgdlab,
# which sgdlab.pc names. The program holds the library inside; the shared one is for programs of your own.
DEST := $(DESTDIR)$(PREFIX)
PUBLIC_HEADERS := $(filter-out %_kernel.h cli/% sim/losses/% sim/noises/% sim/operators/% nets/data/% nets/layers/% \
                    nets/models/% nets/graph.h nets/layer.h nets/plan.h nets/trainer.h nets/regime.h nets/identity.h \
                    nets/noise_parts.h theory/exit_mesh.h sim/strict_search.h sim/convex/worst_slope.h \
                    $(addprefix sim/escape/,lanes.h paths.h region.h scatter.h split.h workers.h),$(HEADERS)) \
                  sim/operators/operator.h
install: all
	@install -d $(DEST)/bin $(DEST)/lib/pkgconfig $(DEST)/share/man/man1
	install -m 755 $(B)/sgdlab $(DEST)/bin/sgdlab
	install -m 644 $(B)/libsgdlab.a $(DEST)/lib/libsgdlab.a
	install -m 755 $(B)/libsgdlab.so $(DEST)/lib/libsgdlab.so.$(VERSION)
	ln -sf libsgdlab.so.$(VERSION) $(DEST)/lib/$(SONAME)
	ln -sf $(SONAME) $(DEST)/lib/libsgdlab.so
	@for h in $(PUBLIC_HEADERS); do install -D -m 644 $$h $(DEST)/include/sgdlab/$$h || exit 1; done
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS@|$(LIBS)|' \
	    -e 's|@CFLAGS@|$(strip $(PKG_CFLAGS))|' \
	    scripts/sgdlab.pc.in > $(DEST)/lib/pkgconfig/sgdlab.pc
	install -m 644 docs/sgdlab.1 $(DEST)/share/man/man1/sgdlab.1
uninstall:
	rm -f $(DEST)/bin/sgdlab $(DEST)/lib/libsgdlab.a $(DEST)/lib/libsgdlab.so $(DEST)/lib/libsgdlab.so.* \
	      $(DEST)/lib/pkgconfig/sgdlab.pc $(DEST)/share/man/man1/sgdlab.1
	rm -rf $(DEST)/include/sgdlab

format:
	clang-format -i $(foreach d,$(ROOMS) cli bench examples tests/*,$(wildcard $(d)/*.[ch])) tests/test.h

clean:
	rm -rf build

.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
