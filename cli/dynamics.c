#include "cli/dynamics.h"

sl_status sl_simulation_horizon(sl_simulation *s, const sl_cli *cli, uint64_t horizon, sl_err *err)
{
    const double lr = sl_cli_real(cli, "lr");
    const sl_alpha_on on = sl_cli_is(cli, "alpha-on", "gradient") ? SL_ALPHA_ON_GRADIENT : SL_ALPHA_ON_STEP;
    SL_TRY(sl_rule_init(&s->sgd.rule, sl_cli_text(cli, "rule"), on, lr, sl_cli_real(cli, "momentum"), 0, err));
    return sl_schedule_init(&s->sgd.schedule, sl_cli_text(cli, "schedule"), lr, 1, horizon, err);
}

static sl_status set_start(sl_simulation *s, const sl_cli *cli, sl_err *err)
{
    const size_t dim = s->sgd.loss.dim;
    size_t n;
    const double *x = sl_cli_reals(cli, "start", &n);
    if (n != 1 && n != dim)
        return sl_fail(err, SL_E_DOMAIN, "--start has %zu values, the loss has %zu coordinates", n, dim);
    for (size_t d = 0; d < dim; d++) s->start[d] = x[n == 1 ? 0 : d];
    s->sgd.ensemble.start = s->start;
    return SL_OK;
}

sl_status sl_simulation_init(sl_simulation *s, const sl_cli *cli, const sl_loss *loss, uint64_t horizon, sl_err *err)
{
    *s = (sl_simulation){.sgd.loss = *loss, .batch = sl_cli_real(cli, "batch")};
    if (sl_cli_is(cli, "dynamics", "overdamped")) s->dynamics = SL_DYNAMICS_OVERDAMPED;
    if (sl_cli_is(cli, "dynamics", "underdamped")) s->dynamics = SL_DYNAMICS_UNDERDAMPED;
    if (sl_cli_is(cli, "dynamics", "sgld")) s->dynamics = SL_DYNAMICS_SGLD;
    if (sl_cli_is(cli, "dynamics", "adam-langevin")) s->dynamics = SL_DYNAMICS_ADAM_LANGEVIN;
    s->sgd.noise_variance = sl_cli_real(cli, "noise-variance") / s->batch;
    if (s->dynamics != SL_DYNAMICS_SGD && s->dynamics != SL_DYNAMICS_SGLD && sl_cli_given(cli, "noise"))
        return sl_fail(err, SL_E_USAGE, "--noise is the gradient noise of sgd; --dynamics %s has thermal noise",
                       sl_cli_text(cli, "dynamics"));
    SL_TRY(sl_noise_init(&s->sgd.noise, sl_cli_text(cli, "noise"), &s->sgd.loss, err));
    SL_TRY(sl_simulation_horizon(s, cli, horizon, err));
    s->sgd.ensemble = (sl_ensemble){
        .seed = sl_cli_integer(cli, "seed"),
        .replicas = sl_cli_integer(cli, "replicas"),
        .start_spread = sl_cli_real(cli, "start-spread"),
        .kill_radius = sl_cli_real(cli, "kill-radius"),
        .jobs = (int)sl_cli_integer(cli, "jobs"),
    };
    if (sl_cli_given(cli, "start")) SL_TRY(set_start(s, cli, err));
    s->langevin = (sl_langevin){
        .ensemble = s->sgd.ensemble,
        .loss = s->sgd.loss,
        .temperature = sl_cli_real(cli, "temperature"),
        .h = sl_cli_real(cli, "dt"),
        .friction = sl_cli_real(cli, "friction"),
        .scheme = sl_cli_is(cli, "scheme", "lm") ? SL_OVERDAMPED_LM : SL_OVERDAMPED_EULER,
    };
    return SL_OK;
}

const char *sl_simulation_title(const sl_simulation *s)
{
    static const char *const titles[] = {"SGD", "Overdamped Langevin", "Underdamped Langevin", "SGLD",
                                         "Adam-inspired Langevin"};
    return titles[s->dynamics];
}
