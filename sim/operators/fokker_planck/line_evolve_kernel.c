#include "base/kernel.h"
#include "sim/operators/fokker_planck/line_evolve_kernel.h"

/* Solves (s_k + a + b on the diagonal, -a_{i-1} below, -b_{i+1} above) x = y for all poles k at once. Elimination from
 * the left carries what is lost on the way, `lost` = pivot - a_i, which starts as s_k and obeys
 *     lost_{i+1} = s_k + b_{i+1} lost_i / (lost_i + a_i):
 * nothing is subtracted (Grassmann, Taksar and Heyman 1985), so mass is kept to rounding however stiff the rates are.
 */
SL_KERNEL void sl_line_resolvents(double *restrict p, double *restrict scratch, size_t n, const double *restrict a,
                                  const double *restrict b, const sl_line_poles *restrict poles)
{
    enum { K = SL_LINE_POLES };
    double lr[K], li[K], yr[K], yi[K];
    for (int k = 0; k < K; k++) {
        lr[k] = poles->shift_re[k] + b[0]; /* b[0] > 0 only where the first node leaks to the left */
        li[k] = poles->shift_im[k];
        yr[k] = yi[k] = 0;
    }
    for (size_t i = 0; i < n; i++) {
        double *restrict s = scratch + 4 * K * i; /* 1/pivot and y, real and imaginary parts */
        const double rate = a[i], back = i + 1 < n ? b[i + 1] : 0, rhs = p[i];
#pragma omp simd
        for (int k = 0; k < K; k++) {
            const double pr = lr[k] + rate, pi = li[k], size = 1 / (pr * pr + pi * pi);
            const double ir = pr * size, ii = -pi * size;
            const double vr = yr[k] + rhs, vi = yi[k];
            const double qr = vr * ir - vi * ii, qi = vr * ii + vi * ir; /* y / pivot */
            const double fr = lr[k] * ir - li[k] * ii, fi = lr[k] * ii + li[k] * ir;
            s[k] = ir;
            s[K + k] = ii;
            s[2 * K + k] = qr;
            s[3 * K + k] = qi;
            yr[k] = rate * qr;
            yi[k] = rate * qi;
            lr[k] = poles->shift_re[k] + back * fr;
            li[k] = poles->shift_im[k] + back * fi;
        }
    }
    for (int k = 0; k < K; k++) yr[k] = yi[k] = 0; /* now b x of the node to the right */
    for (size_t i = n; i-- > 0;) {
        const double *restrict s = scratch + 4 * K * i;
        const double back = b[i];
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int k = 0; k < K; k++) {
            const double xr = s[2 * K + k] + yr[k] * s[k] - yi[k] * s[K + k];
            const double xi = s[3 * K + k] + yr[k] * s[K + k] + yi[k] * s[k];
            sum += poles->weight_re[k] * xr - poles->weight_im[k] * xi;
            yr[k] = back * xr;
            yi[k] = back * xi;
        }
        p[i] = poles->constant * p[i] + sum;
    }
}

/* On a ring node 0 is taken out: the others are a chain that leaks to it on both sides. With g their answer to p and h
 * their answer to one unit at node 0, the mass balance of node 0 is s (1 + sum h) x_0 = p_0 + what flows in from g. */
SL_KERNEL void sl_line_ring_resolvents(double *restrict p, double *restrict scratch, size_t n, const double *restrict a,
                                       const double *restrict b, const sl_line_poles *restrict poles)
{
    enum { K = SL_LINE_POLES };
    double lr[K], li[K], yr[K], yi[K], zr[K], zi[K], hr[K], hi[K], gr[K], gi[K], x0r[K], x0i[K];
    for (int k = 0; k < K; k++) {
        lr[k] = poles->shift_re[k] + b[1];
        li[k] = poles->shift_im[k];
        yr[k] = yi[k] = zr[k] = zi[k] = hr[k] = hi[k] = gr[k] = gi[k] = 0;
    }
    for (size_t i = 1; i < n; i++) {
        double *restrict s = scratch + 6 * K * i; /* 1/pivot, then g and h */
        const double rate = a[i], back = i + 1 < n ? b[i + 1] : 0, rhs = p[i];
        const double unit = (i == 1 ? a[0] : 0) + (i == n - 1 ? b[0] : 0);
#pragma omp simd
        for (int k = 0; k < K; k++) {
            const double pr = lr[k] + rate, pi = li[k], size = 1 / (pr * pr + pi * pi);
            const double ir = pr * size, ii = -pi * size;
            const double vr = yr[k] + rhs, vi = yi[k], wr = zr[k] + unit, wi = zi[k];
            const double qr = vr * ir - vi * ii, qi = vr * ii + vi * ir;
            const double tr = wr * ir - wi * ii, ti = wr * ii + wi * ir;
            const double fr = lr[k] * ir - li[k] * ii, fi = lr[k] * ii + li[k] * ir;
            s[k] = ir;
            s[K + k] = ii;
            s[2 * K + k] = qr;
            s[3 * K + k] = qi;
            s[4 * K + k] = tr;
            s[5 * K + k] = ti;
            yr[k] = rate * qr;
            yi[k] = rate * qi;
            zr[k] = rate * tr;
            zi[k] = rate * ti;
            lr[k] = poles->shift_re[k] + back * fr;
            li[k] = poles->shift_im[k] + back * fi;
        }
    }
    for (int k = 0; k < K; k++) {
        gr[k] = yr[k]; /* what g leaks from the last node, and below from the first */
        gi[k] = yi[k];
        yr[k] = yi[k] = zr[k] = zi[k] = 0;
    }
    for (size_t i = n; i-- > 1;) {
        double *restrict s = scratch + 6 * K * i;
        const double back = b[i];
#pragma omp simd
        for (int k = 0; k < K; k++) {
            const double ir = s[k], ii = s[K + k];
            const double ur = s[2 * K + k] + yr[k] * ir - yi[k] * ii, ui = s[3 * K + k] + yr[k] * ii + yi[k] * ir;
            const double vr = s[4 * K + k] + zr[k] * ir - zi[k] * ii, vi = s[5 * K + k] + zr[k] * ii + zi[k] * ir;
            s[2 * K + k] = ur;
            s[3 * K + k] = ui;
            s[4 * K + k] = vr;
            s[5 * K + k] = vi;
            hr[k] += vr;
            hi[k] += vi;
            yr[k] = back * ur;
            yi[k] = back * ui;
            zr[k] = back * vr;
            zi[k] = back * vi;
        }
    }
    double sum = 0;
    for (int k = 0; k < K; k++) {
        const double sr = poles->shift_re[k], si = poles->shift_im[k];
        const double dr = sr * (1 + hr[k]) - si * hi[k], di = sr * hi[k] + si * (1 + hr[k]);
        const double nr = p[0] + gr[k] + yr[k], ni = gi[k] + yi[k], size = 1 / (dr * dr + di * di);
        x0r[k] = (nr * dr + ni * di) * size;
        x0i[k] = (ni * dr - nr * di) * size;
        sum += poles->weight_re[k] * x0r[k] - poles->weight_im[k] * x0i[k];
    }
    p[0] = poles->constant * p[0] + sum;
    for (size_t i = 1; i < n; i++) {
        const double *restrict s = scratch + 6 * K * i;
        sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int k = 0; k < K; k++) {
            const double xr = s[2 * K + k] + x0r[k] * s[4 * K + k] - x0i[k] * s[5 * K + k];
            const double xi = s[3 * K + k] + x0r[k] * s[5 * K + k] + x0i[k] * s[4 * K + k];
            sum += poles->weight_re[k] * xr - poles->weight_im[k] * xi;
        }
        p[i] = poles->constant * p[i] + sum;
    }
}
