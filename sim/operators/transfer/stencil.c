#include "sim/operators/transfer/stencil.h"

#include <math.h>
#include <string.h>

/* (-1)^k binomial(15, k): barycentric weights of 16 equidistant nodes. */
static const double barycentric[SL_STENCIL] = {1,    -15,   105,  -455,  1365, -3003, 5005, -6435,
                                               6435, -5005, 3003, -1365, 455,  -105,  15,   -1};

size_t sl_stencil(double w[SL_STENCIL], double at, size_t n)
{
    const double left = floor(at) - (SL_STENCIL / 2 - 1), most = (double)(n - SL_STENCIL);
    const size_t first = (size_t)fmax(fmin(left, most), 0);
    const double t = at - (double)first, near = nearbyint(t);
    if (t == near && near >= 0 && near < SL_STENCIL) { /* a node */
        memset(w, 0, SL_STENCIL * sizeof *w);
        w[(size_t)near] = 1;
        return first;
    }
    double sum = 0;
    for (size_t k = 0; k < SL_STENCIL; k++) {
        w[k] = barycentric[k] / (t - (double)k);
        sum += w[k];
    }
    for (size_t k = 0; k < SL_STENCIL; k++) w[k] /= sum;
    return first;
}
