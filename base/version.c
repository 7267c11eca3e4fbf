#include "base/run.h"

/* SL_VERSION and SL_BUILD come from the Makefile. */
const char sl_version[] = SL_VERSION;
const char sl_build_id[] = SL_BUILD;
