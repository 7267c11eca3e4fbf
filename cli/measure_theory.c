/* What theory says of the temperatures that `sgdlab measure temperature` looks for. */
#include <math.h>
#include <stdlib.h>

#include "cli/measure.h"
#include "theory/moments.h"

/* The law of the schedule's multiplier; of a schedule that changes with time, one rate. */
static sl_status law_of(sl_alpha_law *law, const sl_train_config *c, double rate, sl_err *err)
{
    sl_schedule s;
    SL_TRY(sl_schedule_init(&s, c->schedule, c->lr, 1, c->steps, err));
    if (sl_schedule_is_stationary(&s)) return sl_alpha_of_schedule(law, &s, err);
    *law = (sl_alpha_law){.n = 1, .node = {rate / c->lr}, .weight = {1}};
    return SL_OK;
}

/* a <x^2> on a x^2/2 with noise of variance D/C, and its ratio to <v^2>: exact for the discrete rule. The curvature
 * already holds the weight decay, so the rule here has none. */
static sl_predicted_temperature predict(const sl_train_config *c, double a, sl_estimate D, const sl_alpha_law *law)
{
    const sl_predicted_temperature none = {{NAN, NAN, NAN}, NAN};
    sl_rule rule = c->rule;
    sl_moments m;
    rule.weight_decay = 0;
    if (!(a > 0) || sl_moments_stationary(&m, &rule, a, 1 / (double)c->batch, law, NULL) != SL_OK) return none;
    return (sl_predicted_temperature){sl_scaled(a * m.x2, D), a * m.x2 / m.v2};
}

/* Over all coordinates, to leading order in the rate: a bowl so flat that its curvature does not matter. */
static sl_predicted_temperature predict_flat(const sl_train_config *c, sl_estimate D, const sl_alpha_law *law)
{
    static const double FLAT = 1e-6; /* a l: relative error of that order */
    return predict(c, FLAT / c->lr, D, law);
}

sl_status sl_measure_predict(sl_measurement *x, sl_err *err)
{
    const sl_train_config *const c = &x->run.train;
    const sl_temperature *const t = &x->t;
    const double P = (double)sl_model_parameters(x->model);
    sl_alpha_law law;
    x->window = calloc(t->windows + 1, sizeof *x->window);
    if (!x->window) return sl_fail(err, SL_E_MEMORY, "no memory for %zu windows", t->windows);
    double late = 0, steps = 0, noise = 0, noise_se = 0;
    for (size_t w = 0; w < t->windows; w++) {
        const sl_temperature_window *const h = &t->history[w];
        SL_TRY(law_of(&law, c, h->lr, err));
        x->window[w] = predict_flat(c, sl_scaled(1 / P, h->noise), &law);
        if (h->last <= x->run.burn_in) continue;
        const double share = (double)(h->last - (h->first > x->run.burn_in ? h->first : x->run.burn_in));
        late += h->lr * share;
        noise += h->noise.value * share;
        noise_se += h->noise.se * share; /* of the same samples: no averaging out */
        steps += share;
    }
    const sl_estimate after = {noise / steps / P, noise_se / steps / P, INFINITY}; /* the burn-in */
    SL_TRY(law_of(&law, c, late / steps, err));
    x->window[t->windows] = predict_flat(c, after, &law);
    for (size_t j = 0; j < t->n_directions; j++)
        x->direction[j] = predict(c, x->late.top[j].value, x->along[j], &law);
    return SL_OK;
}
