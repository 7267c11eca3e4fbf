/* Musso 2020, eq 22: the modified loss that gradient descent follows. */
#include <math.h>

#include "claims/musso_synthetic.h"
#include "claims/synthetic.h"
#include "theory/modified.h"

/* Gradient descent (SGD with the whole data set as its batch) to t = 1. */
static sl_status descend(double *x, const char *loss_name, double x0, double l, sl_err *err)
{
    sl_loss loss;
    sl_rule rule;
    SL_TRY(sl_loss_init(&loss, loss_name, err));
    SL_TRY(sl_rule_init(&rule, "plain", SL_ALPHA_ON_STEP, l, 0, 0, err));
    double at = x0, g;
    for (long k = 0; k < lround(1 / l); k++) {
        sl_loss_gradient(&loss, &at, &g);
        sl_rule_step_same_d(&rule, 1, &at, NULL, &g, l);
    }
    *x = at;
    return SL_OK;
}

static double d_periodic(double x, void *ctx)
{
    (void)ctx;
    return sin(x);
}

static double dd_periodic(double x, void *ctx)
{
    (void)ctx;
    return cos(x);
}

static const struct {
    const char *name;
    sl_function derivative, second;
    double x0;
} descents[] = {{"double-well", sl_well_slope, sl_well_curvature, 0.3},
                {"double-well", sl_well_slope, sl_well_curvature, 1.6},
                {"periodic", d_periodic, dd_periodic, 2}};
enum { DESCENTS = sizeof descents / sizeof *descents };

/* The order in l at which gradient descent follows a flow, from l and l/2. Nothing is random; the next order in l
 * moves the slope by about l (measured: 0.03 or less at l = 0.01), of the 0.1 allowed. */
static sl_status order_of(sl_estimate *order, size_t i, sl_flow flow, double l, sl_err *err)
{
    double error[2];
    for (int k = 0; k < 2; k++) {
        const double rate = l / (k + 1);
        double discrete, continuous;
        SL_TRY(descend(&discrete, descents[i].name, descents[i].x0, rate, err));
        SL_TRY(sl_modified_flow(&continuous, descents[i].x0, 1, rate, flow, descents[i].derivative, descents[i].second,
                                NULL, err));
        error[k] = fabs(discrete - continuous);
    }
    *order = sl_exact(log2(error[0] / error[1]));
    return SL_OK;
}

static sl_status modified_loss(const sl_lab *lab, sl_finding *f, sl_flow flow, double predicted, double wrong,
                               const char *what, sl_err *err)
{
    const double r = sl_lab_refinement(lab);
    for (size_t i = 0; i < DESCENTS; i++) {
        sl_estimate order;
        SL_TRY(order_of(&order, i, flow, 0.01 / r, err));
        SL_TRY(sl_finding_add(f, order, predicted, 0.1 / r, wrong, err, "%s from x0=%g, %s: order in l",
                              descents[i].name, descents[i].x0, what));
    }
    return SL_OK;
}

static sl_status modified_loss_printed(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    return modified_loss(lab, f, SL_FLOW_PRINTED, 2, 3, "drift -f' - (l/4) f'^2", err);
}

static sl_status modified_loss_derived(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    SL_TRY(modified_loss(lab, f, SL_FLOW_MODIFIED, 2, 1, "flow of f + (l/4) f'^2", err));
    return modified_loss(lab, f, SL_FLOW_PLAIN, 1, 2, "flow of f", err);
}

const sl_claim sl_claim_musso_modified_loss_printed = {
    .id = "musso.modified-loss.printed",
    .paper = "Musso 2020",
    .equation = "22",
    .statement = "the correction of the drift at order l is -(l/4) grad f . grad f (a scalar; read in one dimension)",
    .expected = SL_FAILS,
    .measure = modified_loss_printed,
    .parts = 3,
};

const sl_claim sl_claim_musso_modified_loss_derived = {
    .id = "musso.modified-loss.derived",
    .paper = "Musso 2020",
    .equation = "22",
    .statement = "gradient descent follows the flow of f + (l/4)|grad f|^2 to O(l^2), that of f to O(l) only",
    .expected = SL_HOLDS,
    .measure = modified_loss_derived,
    .parts = 6,
};
