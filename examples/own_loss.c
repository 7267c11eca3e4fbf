/* A loss of one's own: SGD with momentum on the pseudo-Huber loss f(x) = sqrt(1 + x^2) - 1, which is not built in.
 *
 * Question: is its stationary state a heat bath at T = l (D0/C) / (2 (1 - mu)), as Musso 2020, eq 20, has it?
 * Answer, by two routes: equipartition, <x f'(x)> = T; and <f> against its Boltzmann average at that T. */
#include <math.h>
#include <stdio.h>

#include "sim/ensemble.h"
#include "theory/boltzmann.h"
#include "theory/temperature.h"

/* A kernel sees B replicas at once; x[d * stride + i] is coordinate d of replica i. Here d = 0 only. */
static void value(const sl_loss *loss, size_t B, size_t stride, const double *x, double *f)
{
    (void)loss, (void)stride;
    for (size_t i = 0; i < B; i++) f[i] = sqrt(1 + x[i] * x[i]) - 1;
}

static void gradient(const sl_loss *loss, size_t B, size_t stride, const double *x, double *g)
{
    (void)loss, (void)stride;
    for (size_t i = 0; i < B; i++) g[i] = x[i] / sqrt(1 + x[i] * x[i]);
}

static const sl_loss_kind pseudo_huber = {
    .entry = {.name = "pseudo-huber", .help = "sqrt(1 + x^2) - 1: quadratic near 0, linear far out", .source = ""},
    .value = value,
    .gradient = gradient,
    .confining = true,
    .separable = true,
};

static sl_status run(sl_err *err)
{
    const double lr = 0.02, mu = 0.9, variance = 0.5; /* variance: D0/C, of the mini-batch gradient */
    sl_sgd sgd = {.ensemble = {.seed = 1, .replicas = 4096, .burn_in = 500, .steps = 2000}, .noise_variance = variance};
    SL_TRY(sl_loss_init_kind(&sgd.loss, &pseudo_huber, err));
    SL_TRY(sl_rule_init(&sgd.rule, "heavy-ball", SL_ALPHA_ON_STEP, lr, mu, 0, err));
    SL_TRY(sl_schedule_init(&sgd.schedule, "constant", lr, 1, 2500, err));

    double T;
    sl_boltzmann bath;
    const sl_temp_params params = {.l = lr, .mu = mu, .C = 1, .D = variance};
    sl_loss_slice slice = {.loss = &sgd.loss};
    SL_TRY(sl_temp_effective(&T, &params, err));
    SL_TRY(sl_boltzmann_solve(&bath, sl_loss_slice_value, sl_loss_slice_derivative, &slice, T, 0, err));

    sl_observed o;
    SL_TRY(sl_sgd_run(&o, &sgd, err));
    const sl_estimate t = o.temperature.equipartition, f = o.loss;
    sl_observed_clear(&o);

    printf("temperature  predicted %.5f   measured %.5f +- %.5f\n", T, t.value, t.se);
    printf("mean loss    predicted %.5f   measured %.5f +- %.5f\n", bath.f, f.value, f.se);
    /* The formula is of leading order in l; what it leaves out is of relative size l f''/(2 (1 + mu)) = 0.5 %. */
    const int holds =
        fabs(t.value / T - 1) < 0.01 + 4 * t.se / T && fabs(f.value / bath.f - 1) < 0.01 + 4 * f.se / bath.f;
    printf("the pseudo-Huber loss %s a heat bath\n", holds ? "feels" : "does not feel");
    return holds ? SL_OK : SL_UNDECIDED;
}

int main(void)
{
    sl_err err = {0};
    const sl_status status = run(&err);
    if (status < 0) fprintf(stderr, "own_loss: %s\n", err.message);
    return sl_status_exit_code(status);
}
