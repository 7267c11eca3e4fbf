#include "sim/escape/splitting.h"

sl_status sl_sgd_splitting(sl_rare *r, const sl_sgd *sgd, const sl_splitting *how, sl_err *err)
{
    (void)r, (void)sgd, (void)how;
    return sl_fail(err, SL_E_UNAVAILABLE, "not built yet");
}

sl_status sl_overdamped_splitting(sl_rare *r, const sl_langevin *l, const sl_splitting *how, sl_err *err)
{
    (void)r, (void)l, (void)how;
    return sl_fail(err, SL_E_UNAVAILABLE, "not built yet");
}

sl_status sl_underdamped_splitting(sl_rare *r, const sl_langevin *l, const sl_splitting *how, sl_err *err)
{
    (void)r, (void)l, (void)how;
    return sl_fail(err, SL_E_UNAVAILABLE, "not built yet");
}
