#include "optim/rule.h"

#include <math.h>

#include "optim/rule_kernel.h"

static const sl_entry plain = {
    .name = "plain",
    .help = "x' = x - r G: SGD without momentum",
    .source = "Robbins and Monro 1951",
};
static const sl_entry heavy_ball = {
    .name = "heavy-ball",
    .help = "v' = mu v - G, x' = x + r v': momentum, PyTorch's SGD",
    .source = "Polyak 1964; Musso 2020 eqs 1, 2",
};
static const sl_entry nesterov = {
    .name = "nesterov",
    .help = "v' = mu v - G, x' = x + r (mu v' - G): PyTorch's SGD with nesterov=True",
    .source = "Nesterov 1983; Sutskever et al. 2013",
};
static const sl_entry sign = {
    .name = "sign",
    .help = "v' = mu v - G, x' = x + r sign(v'): signSGD, signum with momentum",
    .source = "Bernstein et al. 2018",
};

const sl_entry *const sl_rules[] = {
    [SL_RULE_PLAIN] = &plain,
    [SL_RULE_HEAVY_BALL] = &heavy_ball,
    [SL_RULE_NESTEROV] = &nesterov,
    [SL_RULE_SIGN] = &sign,
};
const size_t sl_n_rules = sizeof sl_rules / sizeof *sl_rules;

sl_status sl_rule_init(sl_rule *rule, const char *name, sl_alpha_on on, double lr, double mu, double weight_decay,
                       sl_err *err)
{
    sl_spec spec;
    SL_TRY(sl_spec_parse(&spec, name, "rule", sl_rules, sl_n_rules, err));
    size_t kind = 0;
    while (sl_rules[kind] != spec.entry) kind++;

    if (on != SL_ALPHA_ON_STEP && on != SL_ALPHA_ON_GRADIENT)
        return sl_fail(err, SL_E_DOMAIN, "alpha on %d, need on the step or on the gradient", (int)on);
    if (!(lr > 0 && isfinite(lr))) return sl_fail(err, SL_E_DOMAIN, "learning rate = %g, need 0 < lr < inf", lr);
    if (!(mu >= 0 && mu < 1)) return sl_fail(err, SL_E_DOMAIN, "momentum = %g, need 0 <= mu < 1", mu);
    if (!(weight_decay >= 0 && isfinite(weight_decay)))
        return sl_fail(err, SL_E_DOMAIN, "weight decay = %g, need 0 <= w < inf", weight_decay);
    if (kind == SL_RULE_PLAIN && mu > 0)
        return sl_fail(err, SL_E_DOMAIN, "rule 'plain' has no momentum, but momentum = %g; take 'heavy-ball'", mu);
    if (kind == SL_RULE_NESTEROV && mu == 0)
        return sl_fail(err, SL_E_DOMAIN, "rule 'nesterov' needs momentum > 0; without, it is 'plain'");

    *rule = (sl_rule){.kind = (sl_rule_kind)kind, .alpha_on = on, .mu = mu, .weight_decay = weight_decay, .lr = lr};
    return SL_OK;
}

const char *sl_rule_name(const sl_rule *rule)
{
    return sl_rules[rule->kind]->name;
}

bool sl_rule_is_linear(const sl_rule *rule)
{
    return rule->kind != SL_RULE_SIGN;
}

void sl_rule_step_d(const sl_rule *rule, size_t n, double *x, double *v, const double *g, const double *rate)
{
    if (rule->alpha_on == SL_ALPHA_ON_STEP)
        sl_rule_each_on_step(rule->kind, n, x, v, g, rate, rule->mu, rule->weight_decay);
    else
        sl_rule_each_on_gradient(rule->kind, n, x, v, g, rate, rule->mu, rule->weight_decay, rule->lr);
}

/* The factors a_g and a_s of a step at one rate. */
static void factors(const sl_rule *rule, double rate, double *a_g, double *a_s)
{
    const bool on_step = rule->alpha_on == SL_ALPHA_ON_STEP;
    *a_g = on_step ? 1 : rate / rule->lr;
    *a_s = on_step ? rate : rule->lr;
}

void sl_rule_step_same_d(const sl_rule *rule, size_t n, double *x, double *v, const double *g, double rate)
{
    double a_g, a_s;
    factors(rule, rate, &a_g, &a_s);
    sl_rule_same_d(rule->kind, n, x, v, g, a_g, a_s, rule->mu, rule->weight_decay);
}

void sl_rule_step_f(const sl_rule *rule, size_t n, float *x, float *v, const float *g, double rate)
{
    double a_g, a_s;
    factors(rule, rate, &a_g, &a_s);
    sl_rule_same_f(rule->kind, n, x, v, g, (float)a_g, (float)a_s, (float)rule->mu, (float)rule->weight_decay);
}
