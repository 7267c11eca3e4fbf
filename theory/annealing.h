/* theory/annealing.h - what projected SGD guarantees for its last iterate when the rate is rho times the tuned one, for
 * any schedule (Attia and Koren 2025 give it for (1-u)^p and the cosine; here for any h, with constants as derived).
 *
 * x_{t+1} = proj(x_t - rho eta_t g_t), t = 1 .. T, E[g_t | x_t] a subgradient of the convex f, E |g_t|^2 <= G^2, and
 * |x_t - x*| <= D for all t, since the domain is bounded.
 *
 * Bound. Add the weight w > 0 of the iterate returned, x_{T+1}: with eta_{T+1} = w (a step that is not made, so w is
 * free) and S_k = eta_k + ... + eta_{T+1}, for every v
 *     E f(x_{T+1}) - f* <= D^2 / (2 rho S_v) + (rho G^2 / 2) (w + sum_{k=v}^{T} eta_k^2 / S_{k+1}).              (1)
 * Proof: the standard last-iterate lemma (Shamir and Zhang 2013; Zamani and Glineur 2023; Defazio et al. 2023 for any
 * rates). A_k = sum_{t>=k} eta_t f(x_t) / S_k obeys A_{k+1} = A_k + (eta_k / S_{k+1}) (A_k - f(x_k)); the one-step
 * inequality eta_t (f(x_t) - f(z)) <= (|x_t - z|^2 - |x_{t+1} - z|^2 + eta_t^2 G^2)/2 in expectation, summed from k
 * with z = x_k, gives A_k - f(x_k) <= sum_{t>=k} eta_t^2 G^2 / (2 S_k), and from v with z = x*, A_v - f* <= (D^2 +
 * sum_{t>=v} eta_t^2 G^2) / (2 S_v); summation by parts joins them. Nothing is assumed of the rates but that they are
 * not negative: (1) holds for schedules that rise, stay or oscillate too. They only get no sublinear power of rho.
 *
 * With eta_t = eta h((t-1)/T), H(v) = int_v^1 h and J(v) = int_v^1 h^2/H, (1) tends to
 *     inf_v D^2 / (2 rho eta T H(v)) + rho eta G^2 J(v) / 2                                                     (2)
 * where J(0) is finite. Where h(1) > 0 it grows like log T: then H + w and J + w with w = h(1)/T stand in (2), the last
 * step's share, which (1) has of itself. */
#ifndef SL_THEORY_ANNEALING_H
#define SL_THEORY_ANNEALING_H

#include <stdbool.h>
#include <stddef.h>

#include "optim/schedule.h"

/* h at 1 - u = left, 0 < left <= 1 (so that its digits are kept near the end): finite, not negative; any scale. */
typedef double (*sl_anneal_shape)(double left, void *ctx);

typedef struct {
    double D; /* > 0: |x - x*| over the domain, at most       */
    double G; /* > 0: root of the subgradient's second moment */
} sl_anneal_problem;

/* The rates of T steps at rho = 1, in (1): its sums, once and for all rho. */
typedef struct sl_annealing sl_annealing;

/* rate[T]: not negative, finite, not all 0; what comes after the last rate that is not 0 changes no iterate and is left
 * out. w is the last rate that is not 0. Errors: SL_E_DOMAIN; SL_E_MEMORY. */
SL_CHECKED sl_status sl_annealing_alloc(sl_annealing **a, const double *rate, size_t T, sl_err *err);
/* Of a schedule, its rates at all of its steps. SL_E_CONFIG for a random one. */
SL_CHECKED sl_status sl_annealing_of(sl_annealing **a, const sl_schedule *s, sl_err *err);
void sl_annealing_free(sl_annealing *a);

/* What theory needs of a schedule, and whether this one has it. */
typedef struct {
    bool monotone; /* never rises                                                                      */
    bool annealed; /* its last rate is below a tenth of its mean rate                                  */
} sl_anneal_kind;
sl_anneal_kind sl_annealing_kind(const sl_annealing *a);

/* The factor of the rates that makes (1) smallest at rho = 1. Errors: those of a problem out of range, SL_E_DOMAIN. */
SL_CHECKED sl_status sl_annealing_tuned(double *factor, const sl_annealing *a, const sl_anneal_problem *p, sl_err *err);

typedef struct {
    double value;      /* the right-hand side of (1), smallest over v                                  */
    double distance;   /* its first term                                                               */
    double noise;      /* its second                                                                   */
    double tail;       /* 1 - u at the v chosen, between 1/T and 1                                     */
    size_t steps_left; /* T + 1 - v, in steps                                                          */
} sl_anneal_bound;

/* (1) for the rates times factor rho. Errors: SL_E_DOMAIN. */
SL_CHECKED sl_status sl_annealing_bound(sl_anneal_bound *b, const sl_annealing *a, const sl_anneal_problem *p,
                                        double factor, double rho, sl_err *err);

/* ---- the exponent ----
 * Where (2) is smallest inside, H h = (D / (rho eta G))^2 / T, and with local powers H ~ (1-u)^a and (1-u) h^2/H ~
 * (1-u)^b, which is J's too where J has a power,
 *     d log bound / d log rho = (a - b) / (a + b):
 * h = (1-u)^p has a = p + 1, b = p, so 1/(2p+1); the cosine ends like p = 2: 1/5; h(1) > 0 has a = 1, b = 0: 1, the
 * logarithm of T that J has there left out. */

/* Continuous h. The exponent at 1 - u = tail, 0 < tail <= 1; tail -> 0 is the asymptotic one.
 * Errors: SL_E_DOMAIN; SL_E_NUMERIC where a quadrature fails or h is 0. */
SL_CHECKED sl_status sl_anneal_local_exponent(double *exponent, sl_anneal_shape h, void *ctx, double tail, sl_err *err);

/* H, J of (2) at 1 - v = tail by quadrature, relative error 1e-8; w as there (0: J must be finite).
 * Errors: SL_E_DOMAIN, SL_E_NUMERIC. */
SL_CHECKED sl_status sl_anneal_integrals(double *H, double *J, sl_anneal_shape h, void *ctx, double tail, double w,
                                         sl_err *err);

/* The same of T steps. */
typedef struct {
    double exponent; /* asymptotic: 1 if not annealed, else the local one where 64 to 128 steps are left; NAN
                        where the rate rises in these, or is no power of what is left (a corner)          */
    double slope;    /* of log of the bound (1) on log rho, least squares over 16 rhos of [rho_lo, rho_hi]        */
    double lo, hi;   /* rhos between which the bound's local slope is within 0.02 of the exponent, at horizon T and
                        below 10^6; NAN: nowhere. Where not annealed the slope tends to 1 like 1 - 2/log T only  */
} sl_anneal_window;

/* factor: as in sl_annealing_bound; 0 < rho_lo < rho_hi. Errors: SL_E_DOMAIN; SL_E_CONFIG for less than 256 steps. */
SL_CHECKED sl_status sl_annealing_window(sl_anneal_window *w, const sl_annealing *a, const sl_anneal_problem *p,
                                         double factor, double rho_lo, double rho_hi, sl_err *err);

#endif
